package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
)

func TestCountsALog(t *testing.T) {
	dir := t.TempDir()
	s := settings{in: filepath.Join(dir, "*.log"), out: filepath.Join(dir, "counts.txt"), disorder: time.Minute}
	log := "2024-02-29T12:30:10Z to be\n2024-02-29T12:30:50Z or not\nthat is the question\n2024-02-29T12:31:00Z To be\n"
	if err := os.WriteFile(filepath.Join(dir, "a.log"), []byte(log), 0o666); err != nil {
		t.Fatal(err)
	}
	var p model.Pipeline
	if err := build(&p, s); err != nil {
		t.Fatal(err)
	}
	if err := direct.Run(t.Context(), &p); err != nil {
		t.Fatal(err)
	}
	counts, err := os.ReadFile(s.out)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSpace(string(counts)), "\n")
	slices.Sort(got)
	want := []string{
		"2024-02-29T12:29:00Z is 1 on-time",
		"2024-02-29T12:29:00Z question 1 on-time",
		"2024-02-29T12:29:00Z that 1 on-time",
		"2024-02-29T12:29:00Z the 1 on-time",
		"2024-02-29T12:30:00Z be 1 on-time",
		"2024-02-29T12:30:00Z not 1 on-time",
		"2024-02-29T12:30:00Z or 1 on-time",
		"2024-02-29T12:30:00Z to 1 on-time",
		"2024-02-29T12:31:00Z be 1 on-time",
		"2024-02-29T12:31:00Z to 1 on-time",
	}
	if !slices.Equal(got, want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
}

func TestInputMustBeSaid(t *testing.T) {
	if err := build(&model.Pipeline{}, settings{}); err == nil {
		t.Error("built without input")
	}
}
