/** Packs the running library into a project if no registry has it. */
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { commandFailure, exitCodes } from './exit-codes.ts'
import { unwritable } from './unwritable.ts'

/** Returns whether npm has installed this package from a registry, by npm's record of the installation. */
export async function isFromRegistry(packageFolder: string): Promise<boolean> {
  const record = join(dirname(packageFolder), '.package-lock.json')
  const text = await readFile(record, 'utf8').catch(() => '{}')
  const { packages = {} } = JSON.parse(text) as { packages?: Readonly<Record<string, { readonly resolved?: string }>> }
  return /^https?:/.test(packages['node_modules/troupe']?.resolved ?? '')
}

/**
 * @returns the name of the packed file
 * @throws CliError if npm is missing or cannot pack, or the folder cannot be written
 */
export async function packInto(packageFolder: string, folder: string): Promise<string> {
  const { createFolder } = await import('../storage/index.ts')
  try {
    createFolder(folder)
  } catch (error) {
    throw unwritable(folder, (error as Error).message)
  }
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]
  const packing = spawn('npm', args, {
    cwd: packageFolder,
    stdio: ['ignore', 'pipe', 'pipe'],
    // On Windows npm is a script.
    shell: process.platform === 'win32',
  })
  const [printed, complaint, code] = await Promise.all([
    textOf(packing.stdout),
    textOf(packing.stderr),
    new Promise<number | null>((resolve) => packing.once('error', () => resolve(null)).once('close', resolve)),
  ])
  // npm lists its errors line by line, the code of the system first.
  const cause = /^npm (?:error|ERR!) code (E\w+)$/m.exec(complaint)?.[1]
  if (cause !== undefined && ['ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'EROFS'].includes(cause))
    throw unwritable(folder, cause)
  if (code !== 0)
    throw commandFailure('init.unpacked', exitCodes.failed, {
      folder,
      problem: complaint.trim() || 'npm was not found',
    })
  // npm 12 gives them by name, older ones as a list.
  const [packed] = Object.values(JSON.parse(printed) as object) as { readonly filename: string }[]
  return packed?.filename ?? ''
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) text += chunk
  return text
}
