# Longwire: run quantum circuits on a backend at the other end of a wire.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PROTOS := $(wildcard protos/longwire/v1/*.proto)
FRAMES := server/src/longwire_server/execution/frames.proto

.DEFAULT_GOAL := help
.PHONY: help install demo serve test lint types protos verify-protos bench docs clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

protos: $(STAMP) ## generate client/src/longwire/v1 from protos/ (and the worker's frames)
	$(BIN)/python protos/generate.py
