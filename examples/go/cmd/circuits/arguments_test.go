package main

import (
	"errors"
	"testing"
	"time"
)

func TestCommandLinesThatAreWrong(t *testing.T) {
	for _, arguments := range [][]string{
		{},
		{"unknown"},
		{"backends", "more"},
		{"watch"},
		{"run"},
		{"run", "no-such-file.qasm"},
		{"run", "arguments_test.go", "--unknown"},
		{"run", "arguments_test.go", "--shots", "-1"},
		{"run", "arguments_test.go", "--option", "text"},
		{"--deadline", "soon", "backends"},
		{"--deadline", "NaN", "backends"},
	} {
		if _, err := parse(arguments); err == nil || errors.Is(err, errHelp) {
			t.Errorf("%q: %v", arguments, err)
		}
	}
}

func TestOptionsStandBeforeAndBehindTheFile(t *testing.T) {
	for _, arguments := range [][]string{
		{"--deadline", "1.5", "run", "arguments_test.go", "--shots", "5", "--memory"},
		{"--deadline=1.5", "submit", "--seed=1", "arguments_test.go", "--option", "gate=a=b"},
	} {
		if parsed, err := parse(arguments); err != nil || parsed.deadline != 1500*time.Millisecond {
			t.Errorf("%q: %+v, %v", arguments, parsed, err)
		}
	}
}
