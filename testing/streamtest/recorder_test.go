package streamtest_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
)

// A recorder is a testing.TB that keeps what a test would have said.
type recorder struct {
	testing.TB
	said   strings.Builder
	failed bool
}

// failure is what check says when it fails; "" if it does not.
func failure(t testing.TB, check func(testing.TB)) string {
	r := &recorder{TB: t}
	func() {
		defer func() {
			if v := recover(); v != nil && v != stopped {
				panic(v)
			}
		}()
		check(r)
	}()
	if r.failed && r.said.Len() == 0 {
		return "failed without a word"
	}
	return r.said.String()
}

// stopped is what a recorder's Fatal panics with.
var stopped = new(int)

func (*recorder) Helper()                  {}
func (*recorder) Context() context.Context { return context.Background() }
func (*recorder) Output() io.Writer        { return io.Discard }

func (r *recorder) Error(args ...any) {
	r.failed = true
	fmt.Fprintln(&r.said, args...)
}

func (r *recorder) Errorf(format string, args ...any) { r.Error(fmt.Sprintf(format, args...)) }

func (r *recorder) Fatal(args ...any) {
	r.Error(args...)
	panic(stopped)
}

func (r *recorder) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }
