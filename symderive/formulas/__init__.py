"""What a formula may say: named functions, safe parsing, exact normal forms, printing."""
