//go:build race

package direct_test

// raceDetector is on: everything takes ten times as long, and memory is not
// what it would be.
const raceDetector = true
