#!/usr/bin/env node
/**
 * The program `troupe`. It stands outside `dist`, so that npm can link it in a clone before anything is built; there it
 * builds what it needs.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const pathOf = (relative) => fileURLToPath(new URL(relative, import.meta.url))
const program = '../dist/bundle/cli.js'
const steps = ['require-node.mjs', 'build.ts'].map((name) => pathOf(`../../../scripts/${name}`))

const isBuilt = () => {
  if (existsSync(pathOf(program))) return true
  // The output of a command is its answer alone.
  return steps.every((step) => spawnSync(process.execPath, [step], { stdio: ['ignore', 2, 2] }).status === 0)
}
// Compiling the modules is a fifth of a short command. The folder is the user's own, because its files are executed.
const { HOME, XDG_CACHE_HOME: caches = HOME && join(HOME, '.cache') } = process.env
// Node does not return if it cannot create the parent of the folder.
if (caches && existsSync(caches)) module.enableCompileCache?.(join(caches, 'troupe'))
if (isBuilt()) await import(program)
else process.exitCode = 1
