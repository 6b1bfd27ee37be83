import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const { bin, exports, engines } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as {
  readonly bin: { readonly troupe: string }
  readonly exports: Readonly<Record<string, { readonly default: string }>>
  readonly engines: { readonly node: string }
}

/** What Node 20 says of itself, and that it has no node:sqlite to import. */
const pretend = `import { registerHooks } from 'node:module'
Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })
registerHooks({
  resolve(specifier, context, next) {
    if (specifier === 'node:sqlite') throw new Error('No such built-in module: node:sqlite')
    return next(specifier, context)
  },
})`
const onNode20 = (...args: readonly string[]) =>
  spawnSync(process.execPath, ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, ...args], {
    encoding: 'utf8',
  })
const message = `Troupe needs Node ${engines.node.replace(/\D/g, '')} or newer, and this is Node 20.20.2. Install Node 24 from https://nodejs.org and try again.`

// Of the decorators nothing needs a newer Node.
const entryPoints = ['.', './server', './testing', './mcp', './compat/syntha', './compat/ai-sdk']
it.each(entryPoints)('An import of %s on an older Node names the required version.', (entryPoint) => {
  const file = resolve(root, exports[entryPoint]?.default ?? entryPoint)
  const { status, stderr } = onNode20('--input-type=module', '-e', `import ${JSON.stringify(file)}`)
  expect(status).toBe(1)
  expect(stderr.match(/^.*Troupe.*$/gm)?.join('\n')).toContain(message)
  expect(stderr).not.toContain('node:sqlite')
})

it('The command line on an older Node names the required version, and nothing else.', () => {
  const { status, stdout, stderr } = onNode20(resolve(root, bin.troupe), '--help')
  expect({ status, stdout, stderr }).toEqual({ status: 2, stdout: '', stderr: `${message}\n` })
})
