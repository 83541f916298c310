"""The voice manifests that come with Loa, one TOML file a voice; docs/voices.md lists the fields. Read by `loa.voices`."""
