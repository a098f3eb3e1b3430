//! The tests that see the program from outside: one binary, one module per point of view.

mod tidy; // the house rules: layers, where I/O may be, what a file may hold
