/** The machine and the process for the checks. */
import { totalmem } from 'node:os'

export interface Host {
  /** `24.1.0` */
  readonly node: string
  /** The memory limit of the process in bytes; undefined if only the machine limits it. */
  readonly memoryLimit: number | undefined
  /** The working directory of the process. */
  readonly folder: string
  /** The values of the environment, to recognise a secret that comes from it. */
  readonly variables: ReadonlySet<string>
  /** True if the environment limits model calls. */
  readonly rateLimited: boolean
  /** True if the process has a listener for SIGTERM. */
  readonly handlesSigterm: boolean
}

export const readHost = (): Host => {
  const constrained = process.constrainedMemory()
  return {
    node: process.versions.node,
    memoryLimit: constrained > 0 && constrained < totalmem() ? constrained : undefined,
    folder: process.cwd(),
    variables: new Set(Object.values(process.env).filter((value) => value !== undefined && value !== '') as string[]),
    rateLimited: Boolean(process.env.AGENT_RATE_LIMIT),
    handlesSigterm: process.listenerCount('SIGTERM') > 0,
  }
}
