#!/usr/bin/env node
/** The program `troupe`. */
import { main } from './main.ts'

// Before anything that an older one cannot load.
if (Number(process.versions.node.split('.')[0]) >= 24) {
  process.exitCode = await main(process.argv)
  // What was still being opened at Ctrl-C is not waited for.
  if (process.exitCode === 130) process.exit()
} else {
  process.stderr.write(
    `Troupe needs Node 24 or newer, and this is Node ${process.versions.node}. Install Node 24 from https://nodejs.org and try again.\n`,
  )
  process.exitCode = 2
}
