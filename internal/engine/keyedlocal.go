package engine

import "github.com/millrace/millrace/model"

// LooseOp is an op of no task: for user code that a unit test calls by itself.
func LooseOp() *Op { return &Op{task: &Task{}, Node: &model.Node{}} }
