//go:build !unix

package main

import (
	"errors"
	"fmt"
	"runtime"
)

func processUsage() (usage, error) {
	return usage{}, fmt.Errorf("%s: %w", runtime.GOOS, errors.ErrUnsupported)
}
