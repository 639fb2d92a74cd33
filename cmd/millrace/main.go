// Command millrace looks after pipelines that run with a state directory:
//
//	millrace savepoint -state-dir DIR [-name NAME] [-to TO] have the running process take a checkpoint
//	millrace stop -state-dir DIR [-savepoint NAME] [-drain] have it end with one
//	millrace checkpoints -state-dir DIR                     list them
//	millrace copy FROM TO                                   copy one to a new state directory, or an object store
//	millrace plan diff PROGRAM [its flags]                  say what the program would make of its state
//
// Object stores are named by URL: file, s3, gs, azblob. Its invariant: it writes to no state directory, and to
// no place in an object store, that has state; what changes one is the
// process that runs on it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/internal/checkpoint"
	"github.com/millrace/millrace/internal/control"
	"github.com/millrace/millrace/objectstore"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2 // the command line makes no sense
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

const usage = `millrace looks after pipelines that run with a state directory.

  millrace savepoint -state-dir DIR [-name NAME] [-to TO]   have the running process take a checkpoint; one
                                                            with a name stays until somebody removes it;
                                                            -to copies it
  millrace stop -state-dir DIR [-savepoint NAME] [-drain]   have it end with a checkpoint; -drain ends the input
                                                            first, so that all windows fire
  millrace checkpoints -state-dir DIR                       list them; DIR may be a URL
  millrace copy FROM TO                                     copy a checkpoint, or the newest of a state directory
                                                            or URL, to a new state directory or URL
  millrace plan diff PROGRAM [flags of the program]         say what it would make of its state, without running it
`

// run is the command without the process around it.
func run(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return exitUsage
	}
	commands := map[string]func([]string, io.Writer, io.Writer) error{
		"savepoint": savepoint, "stop": stop, "checkpoints": list, "copy": copyTo, "plan": planDiff,
	}
	command, ok := commands[args[0]]
	switch {
	case args[0] == "help" || args[0] == "-h" || args[0] == "--help" || args[0] == "-help":
		fmt.Fprint(stdout, usage)
		return exitOK
	case !ok:
		fmt.Fprintf(stderr, "there is no command %q\n\n%s", args[0], usage)
		return exitUsage
	}
	err := command(args[1:], stdout, stderr)
	var wrong wrongUsage
	var exit *exec.ExitError
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.As(err, &exit): // which has said why
		return max(exit.ExitCode(), exitFailed)
	case errors.As(err, &wrong):
		fmt.Fprintf(stderr, "%v\n\n%s", err, usage)
		return exitUsage
	}
	fmt.Fprintln(stderr, err)
	return exitFailed
}

type wrongUsage struct{ error }

// parse parses the flags of a command that has a state directory and no arguments.
func parse(name string, args []string, stderr io.Writer, define func(*flag.FlagSet)) (dir string, err error) {
	fs := flag.NewFlagSet("millrace "+name, flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&dir, "state-dir", "", "the pipeline's state `folder`")
	define(fs)
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return "", err
		}
		return "", wrongUsage{err}
	}
	switch {
	case fs.NArg() > 0:
		return "", wrongUsage{fmt.Errorf("millrace %s takes no %q", name, fs.Arg(0))}
	case dir == "":
		return "", wrongUsage{fmt.Errorf("millrace %s needs -state-dir", name)}
	}
	return dir, nil
}

func savepoint(args []string, stdout, stderr io.Writer) error {
	var q control.Question
	to := ""
	dir, err := parse("savepoint", args, stderr, func(fs *flag.FlagSet) {
		fs.StringVar(&to, "to", "", "the new state `folder`, or URL of an object store, to copy it to")
		fs.StringVar(&q.Savepoint, "name", "", "its name; without one it makes room for newer checkpoints")
	})
	if err != nil {
		return err
	}
	path, err := ask(dir, q, stdout)
	if err != nil || to == "" {
		return err
	}
	return copyCheckpoint(path, to)
}

func stop(args []string, stdout, stderr io.Writer) error {
	q := control.Question{Stop: true}
	dir, err := parse("stop", args, stderr, func(fs *flag.FlagSet) {
		fs.StringVar(&q.Savepoint, "savepoint", "", "the name of the last checkpoint; without one it makes room for newer ones")
		fs.BoolVar(&q.Drain, "drain", false, "end the input first, so that all windows fire; the pipeline is at its end then")
	})
	if err != nil {
		return err
	}
	_, err = ask(dir, q, stdout)
	return err
}

// ask has the process do it, and prints where the checkpoint is.
func ask(dir string, q control.Question, stdout io.Writer) (path string, err error) {
	a, err := control.Ask(dir, q)
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "checkpoints", a.Dir)
	_, err = fmt.Fprintln(stdout, path)
	return path, err
}

func list(args []string, stdout, stderr io.Writer) error {
	dir, err := parse("checkpoints", args, stderr, func(*flag.FlagSet) {})
	if err != nil {
		return err
	}
	if objectstore.IsURL(dir) {
		return listShipped(dir, stdout)
	}
	found, err := checkpoint.List(vfs.Default, dir)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	for _, c := range found {
		switch {
		case c.Err != nil:
			fmt.Fprintf(w, "%s\tnot whole: %v\n", c.Dir, c.Err)
		case c.Manifest.Finished:
			fmt.Fprintf(w, "%s\t%s\t%d bytes\tthe end of the pipeline\n", c.Dir, c.Manifest.Created.UTC().Format(time.RFC3339), c.Bytes)
		default:
			fmt.Fprintf(w, "%s\t%s\t%d bytes\n", c.Dir, c.Manifest.Created.UTC().Format(time.RFC3339), c.Bytes)
		}
	}
	return w.Flush()
}

// planDiff has the program itself say it: only it knows its pipeline.
func planDiff(args []string, stdout, stderr io.Writer) error {
	if len(args) < 2 || args[0] != "diff" {
		return wrongUsage{errors.New("millrace plan diff needs the program")}
	}
	program := exec.Command(args[1], append([]string{"-plan-diff"}, args[2:]...)...)
	program.Stdout, program.Stderr = stdout, stderr
	return program.Run()
}
