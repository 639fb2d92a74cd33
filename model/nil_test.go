package model_test

import (
	"strings"
	"testing"

	"github.com/millrace/millrace/model"
)

func TestANilOptionIsAMistake(t *testing.T) {
	var p model.Pipeline
	model.Add1[int](&p, model.Definition{Kind: "Read", Class: model.Source, Options: []model.Option{model.Name("Numbers"), nil}})
	p.ScopeName("Count", []model.Option{nil})
	if err := p.Err(); err == nil || !strings.Contains(err.Error(), "Numbers: option 2 of 2 is nil") || !strings.Contains(err.Error(), "Count: option 1 of 1 is nil") {
		t.Errorf("the mistakes are %v", err)
	}
}

func TestANilPipelineDoesNotStart(t *testing.T) {
	var p *model.Pipeline
	if err := p.Err(); err == nil || !strings.Contains(err.Error(), "the *model.Pipeline is nil") {
		t.Errorf("Err of a nil pipeline is %v", err)
	}
}
