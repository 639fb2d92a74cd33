package main

import (
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"text/template"
	"time"
)

//go:embed pom.xml
var pom []byte

//go:embed server.properties.tmpl
var properties string

// version is that of the broker in pom.xml.
const version = "4.4.0"

// startLimit bounds how long up and down wait for the broker.
const startLimit = time.Minute

// A broker is what -dir and -port name, whether it runs or not.
type broker struct {
	dir  string
	port int
}

func (b broker) address() string         { return fmt.Sprintf("127.0.0.1:%d", b.port) }
func (b broker) file(name string) string { return filepath.Join(b.dir, name) }

// up starts the broker, and returns when it answers.
func (b broker) up() error {
	if pid, ok := b.running(); ok {
		fmt.Fprintf(os.Stderr, "the broker runs already, as process %d\n", pid)
		return b.answers(pid)
	}
	if c, err := net.DialTimeout("tcp", b.address(), time.Second); err == nil {
		c.Close()
		return fmt.Errorf("another process listens at %s; stop it, or give another -port", b.address())
	}
	jars, err := fetchJars()
	if err != nil {
		return err
	}
	if err := b.format(jars); err != nil {
		return err
	}
	log, err := os.Create(b.file("broker.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command("java", "-Xms256m", "-Xmx768m", "-XX:+UseG1GC", "-cp", jars+"/*", "kafka.Kafka", b.file("server.properties"))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // so that it outlives this process and its terminal
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting java: %w; Java 17 or newer must be in the PATH", err)
	}
	pid := cmd.Process.Pid
	if err := os.WriteFile(b.file("pid"), []byte(strconv.Itoa(pid)), 0o644); err != nil {
		return errors.Join(err, cmd.Process.Kill())
	}
	go cmd.Wait() // so that one that dies is seen to be gone
	return b.answers(pid)
}

// answers waits until the broker says that it has started.
func (b broker) answers(pid int) error {
	for deadline := time.Now().Add(startLimit); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		log, err := os.ReadFile(b.file("broker.log"))
		if err != nil {
			return err
		}
		if strings.Contains(string(log), "Kafka Server started") {
			return nil
		}
		if _, ok := b.running(); !ok {
			return fmt.Errorf("the broker, process %d, has ended; the end of its log, %s:\n%s", pid, b.file("broker.log"), tail(log))
		}
	}
	return fmt.Errorf("the broker has not started in %v; see %s", startLimit, b.file("broker.log"))
}

// format makes the folder of a broker that has none yet.
func (b broker) format(jars string) error {
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return err
	}
	f, err := os.Create(b.file("server.properties"))
	if err != nil {
		return err
	}
	err = template.Must(template.New("").Parse(properties)).Execute(f, map[string]any{
		"Port": b.port, "Controller": b.port + 1, "Data": b.file("data"),
	})
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if _, err := os.Stat(b.file("data/meta.properties")); err == nil {
		return nil
	}
	const cluster = "bWlsbHJhY2Utb2YtdGVzdA" // any id will do, as it has no company
	out, err := exec.Command("java", "-cp", jars+"/*", "kafka.tools.StorageTool", "format", "-t", cluster, "-c", b.file("server.properties")).CombinedOutput()
	if err != nil {
		return fmt.Errorf("formatting %s: %w\n%s", b.file("data"), err, tail(out))
	}
	return nil
}

// down stops the broker, and returns when it has ended.
func (b broker) down() error {
	pid, ok := b.running()
	if !ok {
		return nil
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return fmt.Errorf("stopping process %d: %w", pid, err)
	}
	for deadline := time.Now().Add(startLimit); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if _, ok := b.running(); !ok {
			return os.Remove(b.file("pid"))
		}
	}
	return fmt.Errorf("process %d has not ended in %v; see %s", pid, startLimit, b.file("broker.log"))
}

// running is the process of the broker. That the number may have gone to another
// process since is why its command line is looked at.
func (b broker) running() (pid int, ok bool) {
	text, err := os.ReadFile(b.file("pid"))
	if err != nil {
		return 0, false
	}
	pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 0 || syscall.Kill(pid, 0) != nil {
		return 0, false
	}
	command, err := exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	return pid, err == nil && strings.Contains(string(command), b.file("server.properties"))
}

// fetchJars returns the folder of the broker's jars, and fills it the first time.
func fetchJars() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	parent := filepath.Join(cache, "millrace")
	jars := filepath.Join(parent, "kafka-"+version)
	if _, err := os.Stat(jars); err == nil {
		return jars, nil
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
	}
	part, err := os.MkdirTemp(parent, "part-") // renamed when it is whole
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(part)
	if err := os.WriteFile(filepath.Join(part, "pom.xml"), pom, 0o644); err != nil {
		return "", err
	}
	fmt.Fprintln(os.Stderr, "fetching Apache Kafka", version)
	cmd := exec.Command("mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib")
	cmd.Dir = part
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("mvn, which fetches the broker: %w; Maven and Java 17 must be in the PATH\n%s", err, tail(out))
	}
	if err := os.Rename(filepath.Join(part, "lib"), jars); err != nil {
		return "", err
	}
	return jars, nil
}

// tail is the end of a log.
func tail(log []byte) string {
	const most = 2000
	return string(log[max(0, len(log)-most):])
}
