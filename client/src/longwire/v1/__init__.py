"""Generated from protos/longwire/v1; see there."""
