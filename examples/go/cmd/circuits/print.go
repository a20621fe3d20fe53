package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"longwire"
	longwirev1 "longwire/v1"
)

// printer writes what a job told, line by line.
type printer struct {
	out *bufio.Writer
}

func newPrinter(out io.Writer) *printer {
	return &printer{out: bufio.NewWriter(out)}
}

// line writes a line that somebody may be waiting for.
func (p *printer) line(format string, values ...any) {
	fmt.Fprintf(p.out, format+"\n", values...)
	p.out.Flush()
}

func (p *printer) state(status *longwirev1.JobStatus) {
	p.line("state %s", longwire.StateName(status.GetStatus()))
}

// flush writes what is left. A line that could not be written is told here.
func (p *printer) flush() error {
	return p.out.Flush()
}

// result writes what this program understands of a result, and skips the rest.
// It can be millions of lines, which are not sent one by one.
func (p *printer) result(result *longwirev1.Result) error {
	for _, experiment := range result.GetResults() {
		for _, field := range experiment.GetData() {
			if err := p.data(field); err != nil {
				return fmt.Errorf("%s: %w", field.GetName(), err)
			}
		}
	}
	return nil
}

func (p *printer) data(field *longwirev1.DataField) error {
	switch data := field.GetData().(type) {
	case *longwirev1.DataField_Counts:
		counts, err := longwire.SortedCounts(data.Counts)
		for _, each := range counts {
			fmt.Fprintf(p.out, "count %s %d\n", each.Bits, each.Count)
		}
		return err
	case *longwirev1.DataField_Memory:
		shots, err := longwire.Shots(data.Memory)
		if err != nil {
			return err
		}
		for bits := range shots {
			fmt.Fprintf(p.out, "shot %s\n", bits)
		}
	case *longwirev1.DataField_Value:
		amplitudes, err := longwire.Amplitudes(data.Value)
		for i, amplitude := range amplitudes {
			fmt.Fprintf(p.out, "amplitude %d %s %s\n", i, number64(real(amplitude)), number64(imag(amplitude)))
		}
		return err
	}
	return nil
}

// number64 is the shortest text that is read as the same number.
func number64(value float64) string {
	return strconv.FormatFloat(value, 'g', -1, 64)
}

// printError writes an error for people: one line, and what the server said
// beside it.
func printError(out io.Writer, err error) {
	fmt.Fprintf(out, "error: %v\n", err)
	var refused *longwire.Error
	if !errors.As(err, &refused) {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(refused.Metadata)) {
		fmt.Fprintf(out, "  %s: %s\n", key, refused.Metadata[key])
	}
	for _, field := range refused.Fields {
		fmt.Fprintf(out, "  field %s: %s\n", field.Subject, field.Description)
	}
	for _, quota := range refused.Quotas {
		fmt.Fprintf(out, "  quota %s: %s\n", quota.Subject, quota.Description)
	}
	if refused.RetryAfter != nil {
		fmt.Fprintf(out, "  retry after %.3f s\n", refused.RetryAfter.Seconds())
	}
}
