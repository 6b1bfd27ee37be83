/**
 * Names every image and every action by its digest, for a tag can be moved after it was looked at. Run before the first
 * release and to bring what is pinned up to date: `node scripts/pin-digests.ts`. With `--check` it asks nobody, and fails
 * if anything is named by a tag alone.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where digests are asked for. */
export interface Registries {
  readonly actions: string
  readonly images: string
}

/** One name of an image or an action in a file. */
export interface Reference {
  readonly kind: 'action' | 'image'
  /** As it stands in the file, with the comment behind it. */
  readonly text: string
  readonly name: string
  readonly tag: string
  readonly digest: string | undefined
}

const root = fileURLToPath(new URL('..', import.meta.url))
const files = ['.github/workflows/*.yml', 'deploy/compose/*.yaml', 'deploy/Dockerfile']
const publicRegistries: Registries = { actions: 'https://api.github.com', images: 'https://registry-1.docker.io' }
/** Built here, so that no registry has them before. */
const own = ['troupe']

/** @returns the names in a workflow, a Compose file or a Dockerfile */
export function referencesIn(text: string): readonly Reference[] {
  const actions = [...text.matchAll(/uses: +([\w.-]+\/[\w./-]+)@([\w.-]+)(?: +# +(\S+))?/g)].map(
    ([found, name = '', ref = '', tag]): Reference => ({
      ...{ kind: 'action', text: found.replace(/^uses: +/, ''), name, tag: tag ?? ref },
      digest: /^[0-9a-f]{40}$/.test(ref) ? ref : undefined,
    }),
  )
  const images = [
    ...text.matchAll(/(?:image: +|ARG NODE_IMAGE=)([a-z0-9./_-]+):([\w.-]+)(?:@(sha256:[0-9a-f]{64}))?/g),
  ].map(
    ([found, name = '', tag = '', digest]): Reference => ({
      ...{ kind: 'image', text: found.replace(/^(image: +|ARG NODE_IMAGE=)/, ''), name, tag },
      digest,
    }),
  )
  return [...actions, ...images.filter(({ name }) => !own.includes(name))]
}

/** @returns the text with the digest of each name beside its tag */
export async function pinned(text: string, registries: Registries): Promise<string> {
  let found = text
  for (const reference of new Map(referencesIn(text).map((one) => [one.text, one])).values()) {
    const { kind, name, tag } = reference
    const digest = kind === 'action' ? await commitOf(registries, name, tag) : await digestOf(registries, name, tag)
    const replacement = kind === 'action' ? `${name}@${digest} # ${tag}` : `${name}:${tag}@${digest}`
    found = found.replaceAll(new RegExp(`${escaped(reference.text)}(?![\\w.@-])`, 'g'), replacement)
  }
  return found
}

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

async function commitOf({ actions }: Registries, name: string, tag: string): Promise<string> {
  // An action may be a folder of its repository.
  const [owner, repository] = name.split('/')
  const url = `${actions}/repos/${owner}/${repository}/commits/${tag}`
  const answer = await fetch(url, { headers: { accept: 'application/vnd.github.sha' } })
  const commit = answer.ok ? (await answer.text()).trim() : ''
  if (!/^[0-9a-f]{40}$/.test(commit)) throw new Error(`${name}@${tag}: no commit (status ${answer.status})`)
  return commit
}

const manifests = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

async function digestOf({ images }: Registries, name: string, tag: string): Promise<string> {
  const url = `${images}/v2/${name.includes('/') ? name : `library/${name}`}/manifests/${tag}`
  const ask = (headers: Record<string, string> = {}) =>
    fetch(url, { method: 'HEAD', headers: { accept: manifests, ...headers } })
  let answer = await ask()
  const challenge = answer.status === 401 ? answer.headers.get('www-authenticate') : null
  if (challenge !== null) answer = await ask({ authorization: `Bearer ${await tokenFor(challenge)}` })
  const digest = answer.headers.get('docker-content-digest') ?? ''
  if (!answer.ok || !/^sha256:[0-9a-f]{64}$/.test(digest))
    throw new Error(`${name}:${tag}: no digest (status ${answer.status})`)
  return digest
}

/** Registries give everybody a token to read with. */
async function tokenFor(challenge: string): Promise<string> {
  const fields = Object.fromEntries([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]))
  const { realm, ...asked } = fields as { readonly realm?: string }
  if (realm === undefined || !URL.canParse(realm)) throw new Error(`no realm in ${challenge}`)
  const answer = await fetch(`${realm}?${new URLSearchParams(asked as Record<string, string>)}`)
  const { token } = (await answer.json()) as { readonly token?: string }
  if (token === undefined) throw new Error(`no token of ${realm} (status ${answer.status})`)
  return token
}

/** @returns what is named by a tag alone, with its file */
export function unpinned(folder: string): readonly string[] {
  return globSync(files, { cwd: folder }).flatMap((path) =>
    referencesIn(readFileSync(`${folder}/${path}`, 'utf8')).flatMap(({ digest, text }) =>
      digest === undefined ? [`${path}: ${text}`] : [],
    ),
  )
}

/** Writes the digests into the files of a folder. @returns the files that changed */
export async function pinFiles(folder: string, registries: Registries): Promise<readonly string[]> {
  const changed: string[] = []
  for (const path of globSync(files, { cwd: folder })) {
    const text = readFileSync(`${folder}/${path}`, 'utf8')
    const next = await pinned(text, registries)
    if (next === text) continue
    writeFileSync(`${folder}/${path}`, next)
    changed.push(path)
  }
  return changed
}

if (import.meta.main) {
  if (process.argv.includes('--check')) {
    const found = unpinned(root)
    for (const one of found) console.error(one)
    console.log(found.length === 0 ? 'all are named by digest' : `${found.length} are named by a tag alone`)
    process.exitCode = found.length === 0 ? 0 : 1
  } else for (const path of await pinFiles(root, publicRegistries)) console.log(relative(root, `${root}/${path}`))
}
