// Goes on by itself, one step after the other, until it is told to pause or there is nothing more to do.
(() => {
  class Player {
    /** `changed` hears whenever it begins or pauses. */
    constructor(speed, changed) {
      Object.assign(this, { speed, changed, act: null, timer: 0 })
    }
    get plays() { return this.act !== null }

    /** `act` does one step, and says whether there may be another. */
    start(act) {
      this.pause()
      this.act = act
      this.changed()
      this.next(act)
    }
    async next(act) {
      const more = await act()
      if (this.act !== act) return
      if (more) this.timer = setTimeout(() => this.next(act), this.speed())
      else this.pause()
    }
    pause() {
      clearTimeout(this.timer)
      if (!this.plays) return
      this.act = null
      this.changed()
    }
  }

  explore.Player = Player
})()
