/** The program `troupe`, as it was built; `bin/troupe.js` starts it. */
import { main } from './main.ts'

// Before anything that an older one cannot load.
if (Number(process.versions.node.split('.')[0]) >= 24) {
  const exit = await main(process.argv)
  // All that was written is sent before the process ends.
  const sent = (stream: NodeJS.WriteStream) => new Promise<void>((resolve) => void stream.write('', () => resolve()))
  await Promise.all([sent(process.stdout), sent(process.stderr)])
  // A timer or a connection of the code of a configuration would keep the process alive, and so would unfinished opening
  // and work that outlasted the drain timeout.
  process.exit(exit)
} else {
  process.stderr.write(
    `Troupe needs Node 24 or newer, and this is Node ${process.versions.node}. Install Node 24 from https://nodejs.org and try again.\n`,
  )
  process.exitCode = 2
}
