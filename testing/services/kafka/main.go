// Kafka starts and stops an Apache Kafka broker for tests: one node, without
// ZooKeeper, that only this machine can reach.
//
//	go run ./testing/services/kafka up
//	export MILLRACE_KAFKA=127.0.0.1:39092
//	go test ./io/kafkaio/...
//	go run ./testing/services/kafka down
//
// It needs Java 17 and Maven, which copies the broker (43 MB) into the user's cache
// folder, once. Up returns when the broker answers, some four seconds later, and
// does nothing if it runs already. Down stops it; what it stored stays for the next
// up, unless -clean is given.
//
// The invariant: it stops no process but the one that an up in the same -dir
// started, and writes nothing outside of -dir and the cache folder.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "kafka:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	const usage = "usage: go run ./testing/services/kafka up|down [-dir folder] [-port n] [-clean]"
	if len(args) == 0 {
		return errors.New(usage)
	}
	flags := flag.NewFlagSet("kafka", flag.ContinueOnError)
	var b broker
	flags.StringVar(&b.dir, "dir", filepath.Join(os.TempDir(), fmt.Sprintf("millrace-kafka-%d", os.Getuid())), "the `folder` of its data, its log and its process id")
	flags.IntVar(&b.port, "port", 39092, "the port of the broker; the one after it is the controller's")
	clean := flags.Bool("clean", false, "down: remove the folder")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	var err error
	if b.dir, err = filepath.Abs(b.dir); err != nil {
		return err
	}
	switch args[0] {
	case "up":
		if err := b.up(); err != nil {
			return err
		}
		fmt.Printf("export MILLRACE_KAFKA=%s\n", b.address())
		return nil
	case "down":
		if err := b.down(); err != nil || !*clean {
			return err
		}
		return os.RemoveAll(b.dir)
	}
	return errors.New(usage)
}
