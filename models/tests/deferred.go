// A lock in a field, taken by one goroutine while the field is set to another lock: what a deferred unlock then frees.
package main

import (
	"fmt"
	"runtime"
	"sync"
)

type client struct{ w *sync.Mutex }

func (c *client) lockThenUnlockDeferred(waits, reset chan struct{}) {
	close(waits)
	c.w.Lock()
	<-reset
	defer c.w.Unlock()
	fmt.Println("locked")
}

func main() {
	c := &client{w: new(sync.Mutex)}
	old := c.w
	waits, reset, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		c.lockThenUnlockDeferred(waits, reset)
	}()
	<-waits
	// Once the old lock cannot be had, the goroutine has it.
	for old.TryLock() {
		old.Unlock()
		runtime.Gosched()
	}
	c.w = new(sync.Mutex)
	close(reset)
	<-done
}
