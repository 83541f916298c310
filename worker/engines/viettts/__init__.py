"""The `viettts` engine: the VietTTS model, which speaks with the voice of a few seconds of speech."""
