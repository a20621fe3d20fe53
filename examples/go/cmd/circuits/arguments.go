package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"longwire"
	longwirev1 "longwire/v1"
)

// errHelp asks for the usage.
var errHelp = flag.ErrHelp

// command is what the command line asks for.
type command struct {
	// Bounds all calls together; zero for no bound.
	deadline time.Duration
	do       func(context.Context, *longwire.Client, *printer) error
}

func parse(arguments []string) (*command, error) {
	parsed := &command{}
	flags := newFlags()
	flags.Func("deadline", "", func(text string) (err error) {
		parsed.deadline, err = seconds(text)
		return err
	})
	const form = "[--deadline SECONDS] COMMAND, with one of the commands backends, run, submit, watch, result, cancel"
	if err := flags.Parse(arguments); err != nil {
		return nil, wrong(form, err)
	}
	name, rest := flags.Arg(0), flags.Args()
	if len(rest) > 0 {
		rest = rest[1:]
	}
	var err error
	switch name {
	case "backends":
		parsed.do = listBackends
		_, err = positional(newFlags(), rest, 0, name)
	case "run", "submit":
		parsed.do, err = parseRun(name, rest)
	case "watch":
		parsed.do, err = parseJob(name, rest, watchJob)
	case "result":
		parsed.do, err = parseJob(name, rest, printResult)
	case "cancel":
		parsed.do, err = parseJob(name, rest, cancelJob)
	case "":
		err = wrong(form, errors.New("no command"))
	default:
		err = wrong(form, fmt.Errorf("unknown command %q", name))
	}
	return parsed, err
}

// parseJob reads the arguments of a command on one job.
func parseJob(
	name string, arguments []string,
	do func(ctx context.Context, client *longwire.Client, out *printer, jobID string) error,
) (func(context.Context, *longwire.Client, *printer) error, error) {
	jobs, err := positional(newFlags(), arguments, 1, name+" JOB_ID")
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, client *longwire.Client, out *printer) error {
		return do(ctx, client, out, jobs[0])
	}, nil
}

// parseRun reads the circuit and the options of run and submit.
func parseRun(name string, arguments []string) (func(context.Context, *longwire.Client, *printer) error, error) {
	spec := &longwirev1.JobSpec{
		BackendName: "aer_simulator",
		Options: &longwirev1.RunOptions{
			Shots:        new(uint64(1024)),
			CountsFormat: longwirev1.CountsFormat_COUNTS_FORMAT_BITSTRINGS,
		},
	}
	options := spec.Options
	flags := newFlags()
	flags.StringVar(&spec.BackendName, "backend", spec.BackendName, "")
	flags.StringVar(&spec.Name, "name", "", "")
	flags.BoolVar(&options.SaveStatevector, "statevector", false, "")
	// An option that is not set takes the backend's default, so that these are
	// pointers, which stay nil.
	flags.BoolFunc("memory", "", func(text string) error {
		value, err := strconv.ParseBool(text)
		options.Memory = &value
		return err
	})
	flags.Func("shots", "", number(&options.Shots))
	flags.Func("seed", "", number(&options.SeedSimulator))
	flags.Func("option", "", func(text string) error {
		return addOption(options, text)
	})
	form := name + " FILE [--backend NAME] [--shots N] [--seed N] [--memory] [--statevector] [--name NAME] [--option NAME=TEXT]"
	files, err := positional(flags, arguments, 1, form)
	if err != nil {
		return nil, err
	}
	circuit, err := os.ReadFile(files[0])
	if err != nil {
		return nil, wrong(form, err)
	}
	spec.Program = &longwirev1.Program{
		Format:   longwirev1.ProgramFormat_PROGRAM_FORMAT_OPENQASM3,
		Payloads: [][]byte{circuit},
	}
	return func(ctx context.Context, client *longwire.Client, out *printer) error {
		if name == "submit" {
			return submit(ctx, client, out, spec)
		}
		return runJob(ctx, client, out, spec)
	}, nil
}

// addOption adds an option that only this backend knows, with text as its value.
func addOption(options *longwirev1.RunOptions, text string) error {
	name, value, found := strings.Cut(text, "=")
	if !found || name == "" {
		return errors.New("it is not NAME=TEXT")
	}
	if options.BackendOptions == nil {
		options.BackendOptions = &longwirev1.StructValue{}
	}
	options.BackendOptions.Fields = append(options.BackendOptions.Fields, &longwirev1.StructField{
		Name:  name,
		Value: &longwirev1.Value{Kind: &longwirev1.Value_StringValue{StringValue: value}},
	})
	return nil
}

// newFlags is an empty set of options that leaves it to parse to say what is wrong.
func newFlags() *flag.FlagSet {
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

// positional parses options before, between and behind a number of arguments.
func positional(flags *flag.FlagSet, arguments []string, count int, form string) ([]string, error) {
	var found []string
	for {
		if err := flags.Parse(arguments); err != nil {
			return nil, wrong(form, err)
		}
		if flags.NArg() == 0 {
			break
		}
		found = append(found, flags.Arg(0))
		arguments = flags.Args()[1:]
	}
	if len(found) != count {
		return nil, wrong(form, fmt.Errorf("%d arguments where %d are needed", len(found), count))
	}
	return found, nil
}

// number reads a number into a field that can be left unset.
func number(field **uint64) func(string) error {
	return func(text string) error {
		value, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return errors.New("it is not a number from 0 on")
		}
		*field = &value
		return nil
	}
}

func seconds(text string) (time.Duration, error) {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || !(value > 0) {
		return 0, errors.New("it is not a number of seconds above 0")
	}
	// Not longer than a Duration can be, which is 292 years.
	return time.Duration(min(value*1e9, math.MaxInt64/2)), nil
}

// wrong says what to write instead.
func wrong(form string, err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return errHelp
	}
	return fmt.Errorf("%w; write: circuits %s", err, form)
}
