/** Certificates for one test: an authority, a server's that it signed for `localhost`, and another authority. By openssl. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Certificates {
  readonly authority: string
  readonly stranger: string
  readonly certificate: string
  readonly key: string
}

/** @returns undefined where there is no openssl */
export function makeCertificates(): Certificates | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-tls-'))
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  const run = (command: string) => {
    const done = spawnSync('openssl', command.split(' '), { cwd: folder, encoding: 'utf8' })
    if (done.status !== 0) throw new Error(`openssl ${command}: ${done.stderr}`)
  }
  const fresh = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
  try {
    if (spawnSync('openssl', ['version']).status !== 0) return undefined
    for (const name of ['authority', 'stranger'])
      run(`req -x509 ${fresh} -days 2 -subj /CN=${name} -keyout ${name}.key -out ${name}.crt`)
    run(`req ${fresh} -subj /CN=localhost -keyout server.key -out server.csr`)
    writeFileSync(join(folder, 'names'), 'subjectAltName=DNS:localhost\n')
    run(
      'x509 -req -in server.csr -CA authority.crt -CAkey authority.key -CAcreateserial -days 2 -extfile names -out server.crt',
    )
    return {
      authority: read('authority.crt'),
      stranger: read('stranger.crt'),
      certificate: read('server.crt'),
      key: read('server.key'),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
