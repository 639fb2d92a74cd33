package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMain has the test binary be the program itself, for a test that runs it.
func TestMain(m *testing.M) {
	if os.Getenv("REQUESTS_MAIN") != "" {
		main()
	}
	os.Exit(m.Run())
}

// The README says that a minute is printed again where a line comes late.
func TestTheCommandOfTheReadmePrintsAMinuteAgain(t *testing.T) {
	root := filepath.Join("..", "..")
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, command, found := strings.Cut(string(readme), "    go run ./examples/requests ")
	if !found {
		t.Fatal("the README does not run ./examples/requests")
	}
	command, _, _ = strings.Cut(command, "\n")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, strings.Fields(command)...)
	cmd.Dir, cmd.Env = root, append(os.Environ(), "REQUESTS_MAIN=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSpace(string(out)), "\n")
	for _, want := range []string{"2024-02-29T12:30:00Z 200 3 on-time", "2024-02-29T12:30:00Z 200 4 late"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s printed\n%s\nwant %q in it", command, out, want)
		}
	}
}
