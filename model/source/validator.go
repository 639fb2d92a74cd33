package source

// A Validator is a source that can tell what is wrong with it before anything
// runs, so that the mistake is reported at the line that made it. Validate does
// no I/O.
type Validator interface{ Validate() error }
