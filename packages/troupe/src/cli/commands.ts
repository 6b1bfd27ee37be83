/** Every command, in the order of the help. */
import type { CliCommand } from './cli-command.ts'
import { aboutCommands } from './commands/about-commands.ts'
import { apiKeyCommands } from './commands/api-key-commands.ts'
import { auditCommands } from './commands/audit-commands.ts'
import { backupCommands } from './commands/backup-commands.ts'
import { chatCommand } from './commands/chat-command.ts'
import { completionOf } from './commands/completion.ts'
import { contextCommands } from './commands/context-commands.ts'
import { doctorCommand } from './commands/doctor-command.ts'
import { evaluateCommand } from './commands/evaluation/evaluate-command.ts'
import { experimentCommands } from './commands/evaluation/experiment-commands.ts'
import { initCommand } from './commands/init-command.ts'
import { loadCommand } from './commands/load-command.ts'
import { messageCommands } from './commands/message-commands.ts'
import { approvalCommands } from './commands/runs/approval-commands.ts'
import { debugCommands } from './commands/runs/debug-commands.ts'
import { runCommand } from './commands/runs/run-command.ts'
import { runsCommands } from './commands/runs/runs-commands.ts'
import { runsEvaluateCommand } from './commands/runs/runs-evaluate-command.ts'
import { threadCommands } from './commands/runs/thread-commands.ts'
import { scheduleCommands } from './commands/schedule-commands.ts'
import { serveCommands } from './commands/serve-commands.ts'
import { teamCommands } from './commands/team-commands.ts'
import { usageCommand } from './commands/usage-command.ts'

export const commands: readonly CliCommand[] = [
  initCommand,
  runCommand,
  chatCommand,
  ...serveCommands,
  ...teamCommands,
  ...runsCommands,
  ...approvalCommands,
  ...threadCommands,
  ...debugCommands,
  runsEvaluateCommand,
  evaluateCommand,
  ...experimentCommands,
  ...contextCommands,
  ...messageCommands,
  ...scheduleCommands,
  ...apiKeyCommands,
  ...auditCommands,
  usageCommand,
  ...backupCommands,
  loadCommand,
  doctorCommand,
  ...aboutCommands,
  completionOf(() => commands),
]
