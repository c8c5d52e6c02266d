// The cluster of docker-compose.yml, driven by testcontainers: scaled, stopped in parts, taken down and brought up again.
// Each run has a project and an image of its own, so it touches neither a developer's cluster nor another run.
import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { DockerComposeEnvironment, getContainerRuntimeClient, Wait } from 'testcontainers'
import { runProcess } from '../processes.ts'
import { expectThat } from '../steps.ts'

const PREFIX = 'rocketmq-ts-e2e'
const OF_A_RUN = /^rocketmq-ts-e2e-(\d+)$/
const PROJECT = `${PREFIX}-${process.pid}`
/** Other ports than those of the defaults. */
const PROXY_PORTS = '28081-28099'
const COMPOSE_FILE = 'docker-compose.yml'
const START_MS_MAX = 120_000
const STOP_SECONDS_MAX = 10
const COMMAND_MS_MAX = 120_000
const LOOK_MS = 100
const LOG_LINES = 20
const LABEL_PROJECT = 'com.docker.compose.project'
const LABEL_SERVICE = 'com.docker.compose.service'

/** What the last stage of the Dockerfile begins with. */
const FIRST_OWN_LAYER = 'NODE_ENV=production'

interface Layer {
  readonly CreatedBy: string
  readonly Size: number
}

export interface Scale {
  readonly broker: number
  readonly proxy: number
}

/** A container. */
export interface Running {
  readonly service: string
  readonly name: string
  readonly user: string
  /** In the network of the cluster. */
  readonly address: string
  readonly hasReadOnlyRoot: boolean
  /** Names of its volumes; those without a name of their own have a long number. */
  readonly volumes: readonly string[]
  /** `address:port` of this machine that lead into it. */
  readonly published: readonly string[]
  /** 0 where there is no limit. */
  readonly memoryBytesMax: number
  /** How often the engine has started it again because it had ended. */
  readonly restarts: number
  readonly ranOutOfMemory: boolean
  /** Stops it as `docker stop` does; resolves with its exit code. */
  stop(): Promise<number>
  /** Ends it as the kernel does when memory is short. */
  kill(): Promise<void>
  /** Starts it as `docker start` does; resolves when it is healthy. */
  start(): Promise<void>
  /** Runs a command in it; resolves with its standard output, rejects unless it ends with 0. */
  exec(command: readonly string[]): Promise<string>
  /** The end of its output. */
  logs(): Promise<string>
}

export interface Cluster {
  /** Variables under which `docker compose` in the folder of the compose file means this cluster. */
  readonly environment: Readonly<Record<string, string>>
  /**
   * Brings up what is missing and removes what is too much, nothing is built; resolves when all is healthy. `overlays`
   * are files that are laid over the compose file.
   */
  up(scale: Scale, overlays?: readonly string[]): Promise<void>
  running(service?: string): Promise<Running[]>
  /** Where clients connect now. */
  proxies(): Promise<string[]>
  /** `docker compose …`; resolves with its standard output. */
  compose(...args: readonly string[]): Promise<string>
  /** Removes all containers; the messages stay. */
  down(): Promise<void>
  /** Removes everything, and what runs left behind that were killed. */
  remove(): Promise<void>
  /** Bytes that the image has and its base has not. */
  imageBytes(): Promise<{ readonly own: number; readonly total: number }>
}

/** The cluster of the compose file in this folder, which need not be there yet. */
export async function createCluster(folder: string): Promise<Cluster> {
  const { container: containers } = await getContainerRuntimeClient()
  const environment = { COMPOSE_PROJECT_NAME: PROJECT, ROCKETMQ_TS_IMAGE: imageOf(PROJECT), PROXY_PORTS }

  async function running(service?: string): Promise<Running[]> {
    const all = await containers.list()
    const ours = all.filter(
      ({ Labels }) => Labels[LABEL_PROJECT] === PROJECT && (service === undefined || Labels[LABEL_SERVICE] === service),
    )
    const found = await Promise.all(ours.map(({ Id, Labels }) => runningOf(Id, Labels[LABEL_SERVICE] ?? '')))
    return found.sort((one, other) => (one.name < other.name ? -1 : 1))
  }

  async function runningOf(id: string, service: string): Promise<Running> {
    const container = containers.getById(id)
    const { Config, HostConfig, Mounts, Name, NetworkSettings, RestartCount, State } = await container.inspect()
    const ports: Record<string, { HostIp: string; HostPort: string }[] | null> = NetworkSettings.Ports
    return {
      service,
      name: Name.replace(`/${PROJECT}-`, ''),
      user: Config.User,
      address: Object.values(NetworkSettings.Networks)[0]?.IPAddress ?? '',
      hasReadOnlyRoot: HostConfig.ReadonlyRootfs === true,
      volumes: Mounts.filter(({ Type }) => Type === 'volume').map((mount) => mount.Name ?? ''),
      published: Object.values(ports).flatMap((bound) =>
        (bound ?? []).map(({ HostIp, HostPort }) => `${HostIp}:${HostPort}`),
      ),
      memoryBytesMax: HostConfig.Memory ?? 0,
      restarts: RestartCount,
      ranOutOfMemory: State.OOMKilled,
      async stop() {
        await container.stop({ t: STOP_SECONDS_MAX })
        return (await container.inspect()).State.ExitCode
      },
      kill: () => container.kill(),
      async start() {
        await container.start()
        const endMs = performance.now() + START_MS_MAX
        for (;;) {
          const health = (await container.inspect()).State.Health?.Status
          if (health === 'healthy') return
          expectThat(performance.now() < endMs, `${Name} is ${health} after ${START_MS_MAX} ms`)
          await sleep(LOOK_MS)
        }
      },
      async exec(words) {
        const { stdout, output, exitCode } = await containers.exec(container, [...words])
        if (exitCode !== 0) throw new Error(`${words.join(' ')} ended with ${exitCode}: ${output}`)
        return stdout
      },
      logs: async () => (await container.logs({ stdout: true, stderr: true, tail: LOG_LINES })).toString(),
    }
  }

  /** By the name of the project alone, without its compose file. */
  async function down(project: string, ...flags: readonly string[]): Promise<void> {
    const args = ['compose', '--project-name', project, 'down', '--timeout', `${STOP_SECONDS_MAX}`, ...flags]
    await runProcess('docker', args, { cwd: tmpdir(), deadlineMs: COMMAND_MS_MAX })
  }

  /** Projects of runs that have ended. */
  async function abandoned(): Promise<string[]> {
    const all = await containers.dockerode.listContainers({ all: true })
    const projects = new Set(all.map(({ Labels }) => Labels[LABEL_PROJECT] ?? ''))
    return [...projects].filter((project) => {
      const pid = OF_A_RUN.exec(project)?.[1]
      return pid !== undefined && project !== PROJECT && !isAlive(Number(pid))
    })
  }

  return {
    environment,
    async up({ broker, proxy }, overlays = []) {
      const flags = ['--no-build', '--no-recreate', '--scale', `broker=${broker}`, '--scale', `proxy=${proxy}`]
      await new DockerComposeEnvironment(folder, [COMPOSE_FILE, ...overlays])
        .withProjectName(PROJECT)
        .withAutoCleanup(false)
        .withEnvironment(environment)
        .withDefaultWaitStrategy(Wait.forHealthCheck())
        .withStartupTimeout(START_MS_MAX)
        .withClientOptions({ commandOptions: flags })
        .up()
    },
    running,
    async proxies() {
      return (await running('proxy')).flatMap(({ published }) => published)
    },
    async compose(...args) {
      const env = { ...process.env, ...environment }
      const { stdout } = await runProcess('docker', ['compose', ...args], {
        cwd: folder,
        env,
        deadlineMs: COMMAND_MS_MAX,
      })
      return stdout
    },
    down: () => down(PROJECT),
    async remove() {
      for (const project of [PROJECT, ...(await abandoned())]) {
        await down(project, '--volumes')
        await containers.dockerode
          .getImage(imageOf(project))
          .remove({ force: true })
          .catch(() => {}) // it was never built
      }
    },
    async imageBytes() {
      const image = containers.dockerode.getImage(imageOf(PROJECT))
      const [{ Size: total }, layers] = await Promise.all([image.inspect(), image.history()])
      // From the newest to the oldest.
      const first = layers.findIndex(({ CreatedBy }: Layer) => CreatedBy.includes(FIRST_OWN_LAYER))
      const own = layers.slice(0, first + 1).reduce((sum: number, { Size }: Layer) => sum + Size, 0)
      return { own, total }
    },
  }
}

function imageOf(project: string): string {
  return `${PREFIX}:${project}`
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
