#!/usr/bin/env node
/**
 * The program `troupe`. It stands outside `dist`, so that npm can link it in a clone before anything is built; there it
 * builds what it needs.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const pathOf = (relative) => fileURLToPath(new URL(relative, import.meta.url))
const program = '../dist/bundle/cli.js'
const steps = ['require-node.mjs', 'build.ts'].map((name) => pathOf(`../../../scripts/${name}`))

const isBuilt = () => {
  if (existsSync(pathOf(program))) return true
  // The output of a command is its answer alone.
  return steps.every((step) => spawnSync(process.execPath, [step], { stdio: ['ignore', 2, 2] }).status === 0)
}
if (isBuilt()) await import(program)
else process.exitCode = 1
