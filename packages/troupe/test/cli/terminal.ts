/** A terminal for the program: a pseudo-terminal of `script` (util-linux), and a screen that keeps what is drawn. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { environment, type Folder, program } from './cli-process.ts'

/** Where there is none (macOS has another `script`) there is no terminal to be had. */
export const hasTerminals = /util-linux/.test(spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout ?? '')

const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

export class Terminal implements Disposable {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #device: Promise<string>
  #all = ''
  /** Resolves with the exit code of the program. */
  readonly ended: Promise<number | null>

  constructor(folder: Folder, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const command = [process.execPath, program, ...args].map(quote).join(' ')
    const line = `stty cols 60 rows 24; tty; exec ${command}`
    this.#child = spawn('script', ['-qefc', line, '/dev/null'], {
      cwd: folder.path,
      env: { ...environment({ TERM: 'xterm', SHELL: '/bin/sh' }), ...env },
    })
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#all += text
    })
    this.ended = new Promise((resolve) => this.#child.once('close', resolve))
    this.#device = this.shows(/\/dev\/\S+/).then((found) => found[0])
  }

  /** Everything that was written, with what steers the terminal. */
  get raw(): string {
    return this.#all.slice(this.#all.indexOf('\n') + 1)
  }

  /** What stands on the screen. */
  get screen(): string {
    return drawn(this.raw)
  }

  /** Waits until it was written. */
  async shows(what: RegExp): Promise<RegExpExecArray> {
    for (let attempts = 0; attempts < 2_500; attempts++) {
      const found = what.exec(this.#all)
      if (found) return found
      if (this.#child.exitCode !== null) break
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    throw new Error(`The terminal never showed ${what}: ${JSON.stringify(this.#all)}`)
  }

  types(keys: string): void {
    this.#child.stdin.write(keys)
  }

  async resize(columns: number): Promise<void> {
    spawnSync('stty', ['-F', await this.#device, 'cols', String(columns)])
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL')
  }
}

const esc = String.fromCharCode(27)
/** A step up with its rows, a clearing, another sequence, an end of line, a text. */
const tokens = new RegExp(
  `${esc}\\[(\\d*)F|${esc}\\[J|${esc}\\[[\\d;?]*[A-Za-z]|\\r?\\n|\\r|[^${esc}\\r\\n]+|${esc}`,
  'g',
)

/** What remains of it: lines drawn over and cleared are gone, colours too. */
function drawn(raw: string): string {
  const lines: string[] = ['']
  let row = 0
  for (const [token, up] of raw.matchAll(tokens)) {
    if (up !== undefined) row = Math.max(0, row - Number(up || 1))
    else if (token === `${esc}[J`) lines.length = row
    else if (token.endsWith('\n')) row++
    else if (!token.startsWith(esc) && token !== '\r') lines[row] = `${lines[row] ?? ''}${token}`
    lines[row] ??= ''
  }
  return lines.join('\n')
}
