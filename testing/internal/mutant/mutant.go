// Package mutant compiles tests with bugs planted in the module, to see whether they
// notice. It changes no file: the compiler is given others in the place of those that
// a bug is in.
package mutant

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A Bug is changes of source files.
type Bug struct {
	Name    string
	Changes []Change
}

// A Change replaces text that a file, named from the module's root, has once.
type Change struct{ File, Old, New string }

// Patched is what the files are with the bug in them, in the module at root.
func (b Bug) Patched(root string) (map[string]string, error) {
	files := map[string]string{}
	for _, c := range b.Changes {
		text, ok := files[c.File]
		if !ok {
			read, err := os.ReadFile(filepath.Join(root, c.File))
			if err != nil {
				return nil, err
			}
			text = string(read)
		}
		if n := strings.Count(text, c.Old); n != 1 {
			return nil, fmt.Errorf("%s has this text %d times, not once; bring the list of mutations up to date:\n%s", c.File, n, c.Old)
		}
		files[c.File] = strings.Replace(text, c.Old, c.New, 1)
	}
	return files, nil
}

// Compile compiles the tests of the package in the working directory with the bug in
// the module at root. What it makes is in dir.
func (b Bug) Compile(root, dir string) (bin string, err error) {
	files, err := b.Patched(root)
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for file, text := range files {
		to := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(to, []byte(text), 0o644); err != nil {
			return "", err
		}
		from, err := filepath.Abs(filepath.Join(root, file))
		if err != nil {
			return "", err
		}
		replace[from] = to
	}
	overlay := filepath.Join(dir, "overlay.json")
	encoded, err := json.Marshal(map[string]any{"Replace": replace})
	if err == nil {
		err = os.WriteFile(overlay, encoded, 0o644)
	}
	if err != nil {
		return "", err
	}
	bin = filepath.Join(dir, "mutant")
	if out, err := exec.Command("go", "test", "-c", "-overlay", overlay, "-o", bin, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("the mutation does not compile: %w\n%s", err, out)
	}
	return bin, nil
}

// Run runs what Compile has made, with bounded memory: a bug may have it grow without end,
// which is noticed, too.
func Run(bin string, args ...string) (out []byte, err error) {
	const most = 4 << 20 // KiB of address space, of which Go's runtime reserves a part
	limited := fmt.Sprintf(`ulimit -v %d; exec "$0" "$@"`, most)
	return exec.Command("sh", append([]string{"-c", limited, bin}, args...)...).CombinedOutput()
}

// OutOfMemory reports whether what Run ran came to the end of its memory.
func OutOfMemory(out []byte) bool {
	return bytes.Contains(out, []byte("out of memory")) || bytes.Contains(out, []byte("cannot allocate memory"))
}
