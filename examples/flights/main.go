// Flights windows the flights out of New York in 2013 by the hour in which they
// should have left, in the order in which they really did.
//
// It is the project's main example: a stream that is out of order, a watermark
// that allows for some of that, windows that take the rest as late, and a result
// to look at. Pipeline.go has the pipeline, package expect an independent answer
// that the tests hold it to.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/millrace/millrace"
	"github.com/millrace/millrace/examples/flights/data"
	"github.com/millrace/millrace/examples/flights/report"
	"github.com/millrace/millrace/model"
)

func main() {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	os.Exit(run(os.Args[1:], signals, os.Stdout, os.Stderr))
}

func run(args []string, signals <-chan os.Signal, stdout, stderr io.Writer) int {
	var s Settings
	var opts millrace.Options
	out, err := parse(args, &s, &opts, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return millrace.ExitOK
	case err != nil:
		return millrace.ExitUsage // the flag package has said why
	}
	if err := os.MkdirAll(out, 0o777); err != nil {
		fmt.Fprintf(stderr, "-out: %v\n", err)
		return millrace.ExitFailed
	}
	if s.Input == "" {
		table, err := unpack()
		if err != nil {
			fmt.Fprintln(stderr, err)
			return millrace.ExitFailed
		}
		defer os.Remove(table)
		s.Input = table
	}
	var p model.Pipeline
	found := Build(&p, s)

	watch := millrace.WatchSignals(context.Background(), nil, signals)
	defer watch.Release()
	opts.Stop = watch.Stop
	opts.ProgressEvery = 100 * time.Millisecond
	opts.Progress = func(r millrace.Report) { fmt.Fprintln(stderr, r) }
	rep, err := millrace.Run(watch.Context, &p, opts)
	if err != nil {
		fmt.Fprintln(stderr, err)
		if sig, ok := watch.Signal().(syscall.Signal); ok {
			return 128 + int(sig)
		}
		return millrace.ExitFailed
	}
	if err := present(stdout, out, s, found, rep.Grouping(grouping), rep.Elapsed); err != nil {
		fmt.Fprintln(stderr, err)
		return millrace.ExitFailed
	}
	return millrace.ExitOK
}

func parse(args []string, s *Settings, opts *millrace.Options, stderr io.Writer) (out string, err error) {
	fs := flag.NewFlagSet("flights", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&s.Input, "input", "", "`file` of flights, CSV, compressed or not (default the table of 2013 that the program carries)")
	fs.StringVar(&out, "out", "flights-out", "`folder` for hours.csv and flights.html")
	duration(fs, &s.Window, "window", time.Hour, time.Minute, "length of the windows")
	duration(fs, &s.Bound, "bound", time.Hour, 0, "how far the watermark stays behind the latest scheduled departure seen")
	duration(fs, &s.Lateness, "lateness", 24*time.Hour, 0, "how long after its end, in event time, a window still takes flights")
	opts.SourceBatch = 1 // the watermark follows every flight, so that late is exactly late
	opts.AddFlags(fs)
	if err := fs.Parse(args); err != nil {
		return "", err
	}
	if fs.NArg() > 0 {
		err := fmt.Errorf("unexpected argument %q; everything is a flag, and flights -h lists them", fs.Arg(0))
		fmt.Fprintln(stderr, err)
		return "", err
	}
	return out, nil
}

// duration defines a flag that is a duration of at least least.
func duration(fs *flag.FlagSet, d *time.Duration, name string, def, least time.Duration, usage string) {
	*d = def
	fs.Func(name, fmt.Sprintf("%s, a `duration` of at least %v such as 90m (default %v)", usage, least, def), func(text string) error {
		v, err := time.ParseDuration(text)
		if err != nil || v < least || v%time.Microsecond != 0 {
			return fmt.Errorf("allowed is a duration of at least %v, such as 15m, 1h30m or 24h", least)
		}
		*d = v
		return nil
	})
}

// unpack writes the table that the program carries to a temporary file.
func unpack() (string, error) {
	f, err := os.CreateTemp("", "flights-*.csv.gz")
	if err != nil {
		return "", err
	}
	_, err = f.Write(data.Compressed())
	if err := errors.Join(err, f.Close()); err != nil {
		os.Remove(f.Name())
		return "", fmt.Errorf("unpacking the table: %w", err)
	}
	return f.Name(), nil
}

// present prints the findings, and writes them to files in folder out.
func present(w io.Writer, out string, s Settings, found *Found, delays groupingReport, elapsed time.Duration) error {
	csv, page := filepath.Join(out, "hours.csv"), filepath.Join(out, "flights.html")
	if err := write(csv, func(w io.Writer) error { return report.WriteCSV(w, found.Hours) }); err != nil {
		return err
	}
	err := write(page, func(w io.Writer) error {
		return report.Page(w, report.Input{
			Hours: found.Hours, OnTime: int(delays.OnTime), Late: int(delays.Late), Dropped: int(delays.Dropped),
			Cancelled: int(found.Cancelled), Window: s.Window, Bound: s.Bound, Lateness: s.Lateness,
		})
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\nDepartures, in windows of %v per airport:\n", s.Window)
	for _, t := range report.Totals(found.Hours) {
		fmt.Fprintf(w, "  %-3s  %7s\n", t.Origin, thousands(int64(t.Flights)))
	}
	zone, err := report.Zone()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\nWorst windows with at least 10 flights, in the time of New York, as on the page:\n")
	fmt.Fprintf(w, "       start                 flights  mean delay  worst\n")
	for _, h := range report.Worst(found.Hours, 10, 5) {
		fmt.Fprintf(w, "  %-3s  %s  %7d  %6.2f min  %d min\n", h.Origin, h.Start.In(zone).Format("2006-01-02 15:04 MST"), h.Flights, h.Mean, h.Worst)
	}
	fmt.Fprintf(w, "\nThe stream, with the watermark %v behind and windows kept for %v:\n", s.Bound, s.Lateness)
	fmt.Fprintf(w, "  %s on time, %s late, %s dropped as too late\n", thousands(delays.OnTime), thousands(delays.Late), thousands(delays.Dropped))
	fmt.Fprintf(w, "  %s flights never left, and are left out\n", thousands(found.Cancelled))
	if n := len(found.BadRows); n > 0 {
		b := found.BadRows[0]
		fmt.Fprintf(w, "  %s rows could not be read; one is at %s:%d:%d: %s\n", thousands(int64(n)), b.File, b.Line, b.Column, b.Reason)
	}
	fmt.Fprintf(w, "\n%s results in %v\n  %s\n  %s (open it in a browser)\n", thousands(int64(len(found.Hours))), elapsed.Round(time.Millisecond), csv, page)
	return nil
}

type groupingReport = millrace.GroupingReport

// write writes a file whole, or not at all.
func write(path string, content func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := errors.Join(content(f), f.Chmod(0o644), f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}

// thousands prints n with separators.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	var b strings.Builder
	for i, r := range s {
		if i > 0 && (len(s)-i)%3 == 0 && s[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	return b.String()
}
