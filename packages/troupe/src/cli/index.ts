/** The program `troupe`, as it was built; `bin/troupe.js` starts it. */
import { main } from './main.ts'

// Before anything that an older one cannot load.
if (Number(process.versions.node.split('.')[0]) >= 24) {
  const { exit, isStopped } = await main(process.argv)
  process.exitCode = exit
  // After a signal to end, it does not wait for unfinished opening or for work that outlasted the drain timeout.
  if (isStopped) process.exit()
} else {
  process.stderr.write(
    `Troupe needs Node 24 or newer, and this is Node ${process.versions.node}. Install Node 24 from https://nodejs.org and try again.\n`,
  )
  process.exitCode = 2
}
