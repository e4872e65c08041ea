{ testing.instrumented = true; }
