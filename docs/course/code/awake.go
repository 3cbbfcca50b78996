// The same hub, in a program that has something else to do: here a clock, in a server the socket that listens.
package main

import (
	"fmt"
	"time"
)

func main() {
	register := make(chan string, 1)
	unregister := make(chan string, 1)

	register <- "a second login of anna"
	unregister <- "bob"

	go func() {
		fmt.Println("registers", <-register)
		unregister <- "anna's first login" // full, and only this goroutine drains it
		fmt.Println("never printed")
	}()

	for tick := 1; tick <= 5; tick++ {
		time.Sleep(20 * time.Millisecond)
		fmt.Println("still serving, tick", tick)
	}
	fmt.Println("on unregister:", len(unregister), "of", cap(unregister))
}
