//! What the command line has beside the model: persistent memory that is really there, and the
//! benchmark that runs the model's own code on it.

pub mod bench;
