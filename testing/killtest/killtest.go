// Package killtest kills programs with SIGKILL at random moments, starts them again, and
// holds what they have committed in the end to what one that was left alone commits.
//
// It stands beside the tests that use it: their own binary, started again, is the
// program. The invariant: what is compared does not depend on when a process was
// killed, nor on how fast the machine is; only how many processes had gone on from a
// checkpoint does.
package killtest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A Program reads what Prepare has put into a folder, keeps its state in state there, and
// commits files.
type Program struct {
	Name string
	// Prepare makes the input, or links it.
	Prepare func(folder string) error
	// Run is the program: what it commits must not depend on how it is run.
	Run func(folder string) error
	// Outputs are patterns for the files that it commits, in the folder.
	Outputs []string
}

// What tells a process that it is the program.
const (
	programVariable = "MILLRACE_KILLTEST_PROGRAM"
	folderVariable  = "MILLRACE_KILLTEST_FOLDER"
)

// Main is a TestMain for tests that kill the programs.
func Main(m *testing.M, programs ...Program) int {
	name := os.Getenv(programVariable)
	if name == "" {
		return m.Run()
	}
	i := slices.IndexFunc(programs, func(p Program) bool { return p.Name == name })
	if i < 0 {
		fmt.Fprintf(os.Stderr, "there is no program %q\n", name)
		return 1
	}
	if err := programs[i].Run(os.Getenv(folderVariable)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// Test kills p so many times. One that comes to its end before that is begun anew, in
// another folder; the last is let go on to its end.
func (p Program) Test(t *testing.T, kills int) {
	t.Helper()
	if testing.Short() {
		t.Skip("enable with: go test -run Killed . (it starts and kills processes, and is left out by -short; -kills=N says how many)")
	}
	left := p.folder(t)
	if out, err := p.command(left).CombinedOutput(); err != nil {
		t.Fatalf("undisturbed: %v\n%s", err, out)
	}
	want := p.committed(t, left)
	if len(want) == 0 {
		t.Fatal("the undisturbed program has committed nothing")
	}
	killed, resumed, rounds := 0, 0, 0
	for ; killed < kills || rounds == 0; rounds++ {
		folder := p.folder(t)
		k, r := p.untilDone(t, folder, kills-killed)
		killed, resumed = killed+k, resumed+r
		if got := p.committed(t, folder); !slices.Equal(got, want) {
			t.Fatalf("after %d kills, %d lines were committed, and differ from the %d of an undisturbed run: %s", k, len(got), len(want), difference(got, want))
		}
	}
	t.Logf("%d kills, %d of them of processes that had gone on from a checkpoint; it came to its end %d times", killed, resumed, rounds)
	if killed >= 20 && resumed < killed/4 {
		t.Errorf("of %d processes that were killed, only %d had gone on from a checkpoint", killed, resumed)
	}
}

func (p Program) folder(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := p.Prepare(folder); err != nil {
		t.Fatal(err)
	}
	return folder
}

func (p Program) command(folder string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), programVariable+"="+p.Name, folderVariable+"="+folder)
	return cmd
}

// untilDone kills up to kills processes; one comes to its end.
func (p Program) untilDone(t *testing.T, folder string, kills int) (killed, resumed int) {
	t.Helper()
	for {
		cmd := p.command(folder)
		var out strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		var err error
		if killed == kills {
			err = <-ended
		} else if err = killOrEnd(cmd, folder, ended); cmd.ProcessState.ExitCode() == -1 { // by a signal
			killed++
			if strings.Contains(out.String(), "going on from a checkpoint") {
				resumed++
			}
			continue
		}
		if err != nil {
			t.Fatalf("after %d kills: %v\n%s", killed, err, out.String())
		}
		return killed, resumed
	}
}

// killOrEnd kills the process some time after it has taken a few checkpoints, or a few
// milliseconds after its start, unless it ends before.
func killOrEnd(cmd *exec.Cmd, folder string, ended <-chan error) error {
	var awaited uint64
	after := time.Duration(rand.Int64N(int64(20 * time.Millisecond)))
	if rand.IntN(4) > 0 {
		awaited = newest(folder) + 1 + rand.Uint64N(2)
	} else {
		after *= 3 // it has to start
	}
	look := time.NewTicker(500 * time.Microsecond)
	defer look.Stop()
	for newest(folder) < awaited {
		select {
		case err := <-ended:
			return err
		case <-look.C:
		}
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(after):
		_ = cmd.Process.Kill() // or it has just ended
		return <-ended
	}
}

// newest is the number of the newest checkpoint in folder, 0 if there is none.
func newest(folder string) (id uint64) {
	names, _ := filepath.Glob(filepath.Join(folder, "state", "checkpoints", "*"))
	for _, name := range names {
		if n, err := strconv.ParseUint(filepath.Base(name), 10, 64); err == nil {
			id = max(id, n)
		}
	}
	return id
}

// committed are the lines of the files that can be seen, sorted, each with the pattern
// that its file goes by.
func (p Program) committed(t *testing.T, folder string) (lines []string) {
	t.Helper()
	for _, pattern := range p.Outputs {
		files, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(b)) {
				lines = append(lines, pattern+": "+line)
			}
		}
	}
	slices.Sort(lines)
	return lines
}

func difference(got, want []string) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return "missing: " + want[i]
		case i >= len(want):
			return "too many: " + got[i]
		case got[i] != want[i]:
			return fmt.Sprintf("line %d is %q, want %q", i, got[i], want[i])
		}
	}
	return "none"
}
