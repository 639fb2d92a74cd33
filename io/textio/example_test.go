package textio_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/millrace/millrace/io/textio"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
)

// folder makes a folder with one file, for the examples.
func folder(name, content string) string {
	dir, err := os.MkdirTemp("", "textio")
	if err != nil {
		panic(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
		panic(err)
	}
	return dir
}

func ExampleRead() {
	dir := folder("poem.txt", "one fish\ntwo fish\n")
	defer os.RemoveAll(dir)

	var p model.Pipeline
	lines := textio.Read(&p, dir+"/*.txt", textio.Options{})
	words := transforms.FlatMap(lines, strings.FieldsSeq)
	counts, err := direct.Collect(context.Background(), transforms.Count(words))
	if err != nil {
		fmt.Println(err)
	}
	for _, c := range counts {
		fmt.Println(c)
	}
	// Unordered output:
	// one: 1
	// two: 1
	// fish: 2
}

func ExampleReadLines() {
	dir := folder("log.txt", "started\nERROR disk full\nstopped\n")
	defer os.RemoveAll(dir)

	var p model.Pipeline
	lines := textio.ReadLines(&p, dir+"/log.txt", textio.Options{})
	errors := transforms.Filter(lines, func(l textio.Line) bool { return strings.HasPrefix(l.Text, "ERROR") })
	found, err := direct.Collect(context.Background(), errors)
	if err != nil {
		fmt.Println(err)
	}
	for _, l := range found {
		fmt.Printf("%s, byte %d: %s\n", filepath.Base(l.File), l.Offset, l.Text)
	}
	// Output:
	// log.txt, byte 8: ERROR disk full
}

// Lines get their event time from what they say.
func ExampleSource() {
	dir := folder("log.txt", "2024-05-01T10:00:00Z up\n2024-05-01T10:00:07Z down\n")
	defer os.RemoveAll(dir)

	at := func(line string) model.Timestamp {
		t, err := time.Parse(time.RFC3339, strings.Fields(line)[0])
		if err != nil {
			return model.MinTimestamp // it has none
		}
		return model.TimestampOf(t)
	}
	var p model.Pipeline
	lines := source.WithEventTime(textio.Source(dir+"/log.txt", textio.Options{}), at, source.Monotonic())
	transforms.ForEach(transforms.Read(&p, lines), func(_ context.Context, e transforms.Element[string]) error {
		fmt.Println(e.Timestamp, strings.Fields(e.Value)[1])
		return nil
	})
	if err := direct.Run(context.Background(), &p); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 2024-05-01T10:00:00Z up
	// 2024-05-01T10:00:07Z down
}

func ExampleWrite() {
	dir := folder("in.txt", "b\na\nb\n")
	defer os.RemoveAll(dir)

	var p model.Pipeline
	lines := textio.Read(&p, dir+"/in.txt", textio.Options{})
	textio.Write(transforms.Map(lines, strings.ToUpper), dir+"/out.txt.gz", textio.WriteOptions{Shards: 1})
	if err := direct.Run(context.Background(), &p); err != nil {
		fmt.Println(err)
	}

	var back model.Pipeline
	written, err := direct.Collect(context.Background(), textio.Read(&back, dir+"/out.txt.gz", textio.Options{}))
	if err != nil {
		fmt.Println(err)
	}
	for _, line := range written {
		fmt.Println(line)
	}
	// Unordered output:
	// B
	// A
	// B
}

// Mistakes are reported at the lines that made them, before anything runs.
func ExampleWrite_mistakes() {
	var p model.Pipeline
	lines := textio.Read(&p, "", textio.Options{})
	textio.Write(lines, "out.txt", textio.WriteOptions{})
	more := textio.Read(&p, "in.txt", textio.Options{})
	textio.Write(more, "folder/", textio.WriteOptions{})
	fmt.Println(p.Err())
	// Output:
	// example_test.go:122: Read: textio: the pattern of the files to read is empty
	// example_test.go:125: Write: textio: the path "folder/" of the files to write does not end in a name
}
