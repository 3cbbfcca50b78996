// One loop that selects, and sends where it alone receives. Nobody else is left.
package main

import "fmt"

func main() {
	register := make(chan string, 1)
	unregister := make(chan string, 1)

	register <- "a second login of anna"
	unregister <- "bob"

	// The way a select may go, and at times does: it takes from register.
	fmt.Println("registers", <-register)
	unregister <- "anna's first login" // full, and only this goroutine drains it
	fmt.Println("never printed")
}
