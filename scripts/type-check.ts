/**
 * Type-checks every workspace with its tests, these scripts, and the code in the guides. Examples and guides see the
 * built library, as users do.
 */
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { build } from './build.ts'
import { writeDocumentedCode } from './documented-code.ts'
import { writeEntryPoints } from './entry-points.ts'

const root = resolve(import.meta.dirname, '..')
const compiler = join(root, 'node_modules/typescript/bin/tsc')
const concurrency = 2

function projects(): string[] {
  const found = globSync(['{packages,examples,deploy}/*/tsconfig.json', '{bench,scripts}/tsconfig.json'], { cwd: root })
  return [...found.filter(holdsTypeScript), writeDocumentedCode(root), writeEntryPoints(root)]
}

/** A workspace without TypeScript has nothing to check, which the compiler takes for a mistake. */
const holdsTypeScript = (project: string): boolean =>
  globSync(`${dirname(project)}/**/*.{ts,tsx}`, { cwd: root, exclude: ['**/node_modules', '**/dist'] }).length > 0

/** What has not changed since is not looked at again. */
const known = (project: string) =>
  join(root, 'node_modules/.cache/types', `${project.replaceAll(/[/\\]/g, '-')}.tsbuildinfo`)

/** The compiler has four checkers by default, each of which checks the types that they share: one takes half of the time. */
const check = (project: string): Promise<boolean> =>
  new Promise((done) => {
    const options = ['--noEmit', '--pretty', 'false', '--incremental', '--tsBuildInfoFile', known(project)]
    const compiling = spawn(process.execPath, [compiler, '-p', project, '--checkers', '1', ...options], { cwd: root })
    let output = ''
    const listen = (part: string) => {
      output += part
    }
    for (const stream of [compiling.stdout, compiling.stderr]) stream.setEncoding('utf8').on('data', listen)
    compiling.on('close', (code) => {
      process.stdout.write(output)
      done(code === 0)
    })
  })

async function checkAll(waiting: string[]): Promise<boolean> {
  const results: boolean[] = []
  const lane = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) results.push(await check(next))
  }
  await Promise.all(Array.from({ length: concurrency }, lane))
  return results.every(Boolean)
}

const passed = build() && (await checkAll(projects()))
console.log(passed ? 'types: clean' : 'types: errors above')
process.exitCode = passed ? 0 : 1
