// The kinds of output that the seven agents make, by agent name.
import type { AgentName } from '../core/task.ts';
import { apexKind } from './outputs/apex/apex.ts';
import { echoKind } from './outputs/echo/echo.ts';
import type { OutputKind } from './outputs/kind.ts';
import { novaKind } from './outputs/nova/nova.ts';
import { pixelKind } from './outputs/pixel/pixel.ts';
import { reelKind } from './outputs/reel/reel.ts';
import { socialKind } from './outputs/social/social.ts';
import { visionKind } from './outputs/vision/vision.ts';

export const outputKinds: Record<AgentName, OutputKind> = {
  vision: visionKind,
  apex: apexKind,
  nova: novaKind,
  echo: echoKind,
  pixel: pixelKind,
  reel: reelKind,
  social: socialKind,
};
