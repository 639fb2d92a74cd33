package model

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// A Site is a line of the user's program.
type Site struct {
	File string
	Line int
}

func (s Site) String() string {
	if s.File == "" {
		return "unknown"
	}
	return fmt.Sprintf("%s:%d", filepath.Base(s.File), s.Line)
}

// A BuildError is a mistake in the pipeline, at the line that made it. Where a
// transform has several, Err has a line for each.
type BuildError struct {
	Site      Site
	Transform string
	Err       error
}

func (e *BuildError) Error() string {
	return fmt.Sprintf("%s: %s: %s", e.Site, e.Transform, strings.ReplaceAll(e.Err.Error(), "\n", "\n\t"))
}

func (e *BuildError) Unwrap() error { return e.Err }

const modulePath = "github.com/millrace/millrace"

// notLibrary are the packages of this module whose code is a user's: a mistake
// in an example is the example's.
var notLibrary = []string{"/examples/", "/cmd/", "/testing/nexmark"}

// UserSite is the innermost caller outside this library.
func UserSite() Site {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if !inLibrary(f.Function, f.File) || !more {
			return Site{f.File, f.Line}
		}
	}
}

func inLibrary(function, file string) bool {
	rest, ok := strings.CutPrefix(function, modulePath)
	if !ok || strings.HasSuffix(file, "_test.go") {
		return false
	}
	for _, p := range notLibrary {
		if strings.HasPrefix(rest, p) {
			return false
		}
	}
	return rest != "" && (rest[0] == '/' || rest[0] == '.')
}
