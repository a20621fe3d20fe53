// Circuits runs OpenQASM circuits on a server of Longwire. See usage below.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"longwire"
)

const usage = `circuits [--deadline SECONDS] COMMAND

commands:
  backends            list the backends
  run FILE OPTIONS    run the OpenQASM 3 circuit in FILE and print its result
  submit FILE OPTIONS hand it in and print the job's id
  watch JOB_ID        follow a job to its end and print its result
  result JOB_ID       print the result of a job
  cancel JOB_ID       cancel a job

options of run and submit:
  --backend NAME      aer_simulator unless given
  --shots N           1024 unless given
  --seed N            the seed of the simulator
  --memory            also print the outcome of every shot
  --statevector       save the state at the end of the circuit
  --name NAME         a name of the job, for people
  --option NAME=TEXT  an option of this backend alone; may be given again

The server is LONGWIRE_ADDRESS (HOST:PORT, localhost:50051 unless set), with the
authority LONGWIRE_CA (a PEM file) and the token LONGWIRE_TOKEN.
`

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run does what the arguments say and answers with the exit code: 1 where the
// server or the job failed, 2 where the command line is wrong.
func run(arguments []string, stdout, stderr io.Writer) int {
	command, err := parse(arguments)
	if errors.Is(err, errHelp) {
		fmt.Fprint(stdout, usage)
		return 0
	}
	if err != nil {
		printError(stderr, err)
		return 2
	}
	config := longwire.ConfigFromEnvironment()
	config.OnRetry = func(sequence uint64, _ error) {
		fmt.Fprintf(stderr, "reconnecting after sequence %d\n", sequence)
	}
	client, err := longwire.Open(config)
	if err != nil {
		printError(stderr, err)
		return 2
	}
	defer client.Close()

	ctx := context.Background()
	if command.deadline > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, time.Now().Add(command.deadline))
		defer cancel()
	}
	out := newPrinter(stdout)
	err = errors.Join(command.do(ctx, client, out), out.flush())
	if err != nil {
		printError(stderr, err)
		return 1
	}
	return 0
}
