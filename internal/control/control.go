// Package control lets one process ask another, which runs a pipeline with a state
// directory, for a checkpoint, a savepoint, or its end.
//
// The asked process listens on a socket in a folder of its own, which only its user can
// enter, and leaves the socket's path in the file CONTROL of the state directory: that
// directory's own path may be longer than a socket's may be. A file that a killed
// process left names a socket that nobody answers at.
//
// Its place is between the runner and the command line; it knows neither. The
// invariant: each question that was read is answered once, or the connection ends.
package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// fileName is where the path of the socket is, in a state directory.
const fileName = "CONTROL"

// A Question is what a running process is asked for.
type Question struct {
	// Savepoint is the name that the checkpoint is to have; "" for one that makes room
	// for newer ones.
	Savepoint string
	// Stop has the process end after it. Drain has the input end before it: what waits
	// for the end of time is done then.
	Stop, Drain bool
}

// An Answer is what came of it.
type Answer struct {
	Checkpoint uint64
	Dir        string // of the checkpoint, below the state directory
	Error      string
}

// ErrNobody is the error of [Ask] where no process answers.
var ErrNobody = errors.New("no process that runs on this state directory answers")

// A Server takes questions until it is closed.
type Server struct {
	file, folder string
	listener     net.Listener
	answer       func(Question) Answer
	conns        sync.WaitGroup
}

// Listen takes questions about the state directory dir, which the process must hold:
// what a killed one left is removed. Answer is called by several
// goroutines, and must return soon once the server is being closed.
func Listen(dir string, answer func(Question) Answer) (*Server, error) {
	removeLeft(dir)
	folder, err := os.MkdirTemp("", folderPrefix)
	if err != nil {
		return nil, err
	}
	s := &Server{file: filepath.Join(dir, fileName), folder: folder, answer: answer}
	path := filepath.Join(folder, "control")
	if s.listener, err = net.Listen("unix", path); err == nil {
		if err = os.WriteFile(s.file, []byte(path+"\n"), 0o644); err == nil {
			s.conns.Add(1)
			go s.serve()
			return s, nil
		}
		err = errors.Join(err, s.listener.Close())
	}
	return nil, errors.Join(err, os.RemoveAll(folder))
}

const folderPrefix = "millrace-"

// removeLeft removes the socket of a process that was killed, and its folder if that is
// empty then. Failing that, they stay.
func removeLeft(dir string) {
	b, err := os.ReadFile(filepath.Join(dir, fileName))
	path := strings.TrimSuffix(string(b), "\n")
	if info, statErr := os.Lstat(path); err != nil || statErr != nil || info.Mode().Type() != fs.ModeSocket {
		return
	}
	if folder := filepath.Dir(path); strings.HasPrefix(filepath.Base(folder), folderPrefix) {
		_, _ = os.Remove(path), os.Remove(folder)
	}
}

func (s *Server) serve() {
	defer s.conns.Done()
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return // it is closed
		}
		s.conns.Add(1)
		go func() {
			defer s.conns.Done()
			defer conn.Close()
			s.converse(conn)
		}()
	}
}

// patience is how long a question may take to be asked in full.
const patience = 10 * time.Second

func (s *Server) converse(conn net.Conn) {
	var q Question
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return
	}
	if err := json.NewDecoder(conn).Decode(&q); err != nil {
		return
	}
	_ = json.NewEncoder(conn).Encode(s.answer(q)) // to somebody who may have gone
}

// Close takes no more questions, waits until those that were asked are answered, and
// removes what Listen made.
func (s *Server) Close() error {
	err := s.listener.Close()
	s.conns.Wait()
	return errors.Join(err, os.RemoveAll(s.folder), os.Remove(s.file))
}

// Ask asks the process that runs on the state directory dir, and waits for the answer.
func Ask(dir string, q Question) (Answer, error) {
	path, err := os.ReadFile(filepath.Join(dir, fileName))
	if errors.Is(err, fs.ErrNotExist) {
		return Answer{}, fmt.Errorf("state directory %s: %w", dir, ErrNobody)
	}
	if err != nil {
		return Answer{}, err
	}
	conn, err := net.Dial("unix", strings.TrimSuffix(string(path), "\n"))
	if err != nil {
		return Answer{}, fmt.Errorf("state directory %s: %w; the one that was there was killed, or is on another machine: %w", dir, ErrNobody, err)
	}
	defer conn.Close()
	if err := json.NewEncoder(conn).Encode(q); err != nil {
		return Answer{}, err
	}
	var a Answer
	if err := json.NewDecoder(conn).Decode(&a); err != nil {
		return Answer{}, fmt.Errorf("state directory %s: the process ended before it answered: %w", dir, err)
	}
	if a.Error != "" {
		return a, errors.New(a.Error)
	}
	return a, nil
}
