//go:build unix

package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
)

func processUsage() (usage, error) {
	var ru syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &ru); err != nil {
		return usage{}, err
	}
	u := usage{cpu: time.Duration(ru.Utime.Nano() + ru.Stime.Nano())}
	switch runtime.GOOS {
	case "linux", "android":
		// Not ru.Maxrss: there Linux counts the memory of the process that
		// started this one, which was this one's until it was executed.
		var err error
		u.maxRSS, err = peakMemory("/proc/self/status")
		return u, err
	case "darwin", "ios":
		u.maxRSS = int64(ru.Maxrss)
	default:
		u.maxRSS = int64(ru.Maxrss) << 10
	}
	return u, nil
}

// peakMemory returns the peak of resident memory in bytes that a status file of
// Linux tells.
func peakMemory(file string) (int64, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		value, ok := strings.CutPrefix(lines.Text(), "VmHWM:")
		if !ok {
			continue
		}
		var kib int64
		if _, err := fmt.Sscanf(value, "%d kB", &kib); err != nil {
			return 0, fmt.Errorf("%s: VmHWM:%s: %w", file, value, err)
		}
		return kib << 10, nil
	}
	if err := lines.Err(); err != nil {
		return 0, err
	}
	return 0, fmt.Errorf("%s has no VmHWM", file)
}
