package millrace

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/millrace/millrace/model"
)

// mainFlags are what Main's flags set beside the Options.
type mainFlags struct {
	explain, planDiff, logJSON bool
	progress                   time.Duration
	level                      slog.Level
}

// mainDefaults is what Main's flags begin with.
func mainDefaults() (Options, mainFlags) {
	return Options{}, mainFlags{progress: 10 * time.Second, level: slog.LevelInfo}
}

// addTo defines all of Main's flags.
func (m *mainFlags) addTo(fs *flag.FlagSet, o *Options) {
	o.AddFlags(fs)
	fs.BoolVar(&m.explain, "explain", false, "print the plan and exit")
	fs.BoolVar(&m.planDiff, "plan-diff", false, "print what would become of the state in -state-dir, and exit")
	fs.DurationVar(&m.progress, "progress", m.progress, "log progress this often; 0 is never")
	fs.TextVar(&m.level, "log-level", m.level, "debug, info, warn or error")
	fs.BoolVar(&m.logJSON, "log-json", false, "log as JSON")
}

func (m *mainFlags) logger(w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: m.level}
	if m.logJSON {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// defined are Main's flags.
func defined() *flag.FlagSet {
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	o, m := mainDefaults()
	m.addTo(fs, &o)
	return fs
}

// taken is the mistake of a program that has a flag of the name of one of Main's.
func taken(fs *flag.FlagSet) error {
	var errs []error
	defined().VisitAll(func(f *flag.Flag) {
		if fs.Lookup(f.Name) != nil {
			errs = append(errs, clash(f.Name))
		}
	})
	return errors.Join(errs...)
}

func clash(name string) error {
	return fmt.Errorf("the program defines the flag -%s, which millrace.Main has, too; give the program's another name", name)
}

// built is build(p). A flag of one of Main's names that build defines is a mistake, which
// package flag panics with.
func built(build func(*model.Pipeline) error, p *model.Pipeline) (err error) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		text, _ := v.(string)
		_, name, _ := strings.Cut(text, "flag redefined: ")
		if defined().Lookup(name) == nil {
			panic(v)
		}
		err = fmt.Errorf("%w, and define it before millrace.Main is called: in the function that builds the pipeline, flags are set already", clash(name))
	}()
	return build(p)
}
