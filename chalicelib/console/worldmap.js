// The world as dots: rough coastlines (longitude, latitude), good for a map as wide as a hand.
const COASTS = [
  // North and Central America
  [-166, 66, -156, 71, -128, 70, -110, 68, -95, 69, -82, 70, -82, 62, -93, 58, -82, 55, -79, 52, -77, 58, -70, 60, -63, 57,
    -57, 52, -66, 49, -61, 46, -70, 43, -75, 38, -81, 31, -80, 25, -84, 30, -94, 29, -97, 26, -97, 21, -91, 18, -87, 21,
    -88, 15, -83, 11, -78, 8, -86, 11, -95, 16, -105, 20, -110, 24, -113, 31, -118, 33, -124, 40, -124, 48, -133, 56,
    -146, 61, -158, 57, -164, 60],
  // Greenland
  [-72, 78, -55, 82, -28, 83, -20, 75, -24, 70, -40, 65, -44, 60, -51, 64, -54, 70, -60, 76],
  // South America
  [-78, 8, -72, 12, -62, 10, -50, 1, -35, -6, -39, -16, -48, -26, -57, -36, -62, -40, -66, -46, -69, -54, -74, -50, -72, -36,
    -70, -19, -77, -12, -81, -5, -79, 2],
  // Europe and Asia
  [-9, 43, -9, 37, -2, 37, 3, 42, 9, 44, 13, 38, 16, 38, 18, 42, 23, 37, 27, 37, 36, 36, 35, 31, 43, 13, 51, 15, 59, 22, 56, 26,
    50, 30, 57, 26, 66, 25, 72, 20, 77, 8, 80, 15, 89, 22, 94, 16, 98, 10, 104, 1, 101, 7, 105, 9, 109, 13, 106, 20, 113, 22,
    121, 28, 119, 35, 122, 40, 126, 35, 129, 36, 128, 40, 135, 44, 141, 53, 155, 59, 163, 61, 157, 52, 170, 60, 178, 63, 180, 68,
    160, 70, 140, 73, 112, 76, 100, 77, 80, 72, 68, 69, 44, 67, 33, 69, 28, 71, 18, 69, 11, 64, 5, 61, 7, 58, 12, 56, 18, 60,
    19, 63, 22, 61, 24, 59, 20, 54, 11, 54, 8, 54, 3, 51, -4, 48, -1, 45],
  // Britain, Ireland, Iceland
  [-5, 50, 1, 51, 1, 53, -3, 58, -6, 56, -4, 53],
  [-10, 52, -6, 52, -6, 55, -9, 55],
  [-24, 64, -14, 64, -15, 67, -23, 66],
  // Africa
  [-6, 36, 10, 37, 20, 31, 32, 31, 36, 23, 43, 12, 51, 12, 41, -3, 40, -15, 33, -26, 27, -34, 18, -34, 12, -17, 13, -5, 9, 4,
    -8, 4, -17, 14, -13, 27],
  [44, -25, 50, -16, 49, -13, 44, -17],
  // Japan, the islands of the south-east, Australia, New Zealand
  [130, 31, 135, 34, 140, 35, 142, 40, 145, 44, 141, 45, 140, 40, 133, 35],
  [95, 5, 106, -6, 102, -4],
  [106, -7, 115, -8, 108, -6],
  [109, 1, 117, 7, 118, 1, 114, -4],
  [120, -5, 124, 1, 120, 1],
  [120, 18, 126, 7, 122, 12],
  [131, -1, 141, -3, 150, -10, 141, -9, 134, -4],
  [114, -22, 122, -18, 131, -12, 137, -12, 140, -17, 143, -11, 153, -26, 150, -37, 140, -38, 132, -32, 116, -35],
  [167, -46, 172, -41, 173, -35, 178, -38, 172, -44],
];

export const WIDTH = 720;
export const HEIGHT = 300;
const NORTH = 80;
const SOUTH = -56;
const STEP = 3.2;

export function project(longitude, latitude) {
  return [((longitude + 180) / 360) * WIDTH, ((NORTH - latitude) / (NORTH - SOUTH)) * HEIGHT];
}

// Where cloud regions are, roughly.
const REGIONS = {
  "us-east-1": [-77, 39], "us-east-2": [-83, 40], "us-west-1": [-122, 38], "us-west-2": [-121, 45], "ca-central-1": [-73, 45],
  "sa-east-1": [-47, -23], "eu-west-1": [-7, 53], "eu-west-2": [0, 52], "eu-west-3": [2, 49], "eu-central-1": [9, 50],
  "eu-north-1": [18, 59], "eu-south-1": [9, 45], "af-south-1": [18, -34], "me-south-1": [51, 26], "ap-south-1": [73, 19],
  "ap-southeast-1": [104, 1], "ap-southeast-2": [151, -34], "ap-northeast-1": [140, 36], "ap-northeast-2": [127, 37],
  "ap-east-1": [114, 22],
};

// Unknown regions stand in the south Pacific, side by side.
export function placeOf(region, number) {
  const [longitude, latitude] = REGIONS[region] ?? [-160 + number * 30, -40];
  return project(longitude, latitude);
}

// One path of round dots.
export const LAND = dots();

function dots() {
  const parts = [];
  for (let latitude = NORTH; latitude > SOUTH; latitude -= STEP) {
    for (let longitude = -180; longitude < 180; longitude += STEP) {
      if (!COASTS.some((coast) => inside(coast, longitude, latitude))) continue;
      const [x, y] = project(longitude, latitude);
      parts.push(`M${x.toFixed(1)} ${y.toFixed(1)}h0`);
    }
  }
  return parts.join("");
}

// Whether a point lies within a polygon: an odd number of edges to its left.
function inside(coast, x, y) {
  let odd = false;
  for (let here = 0, last = coast.length - 2; here < coast.length; last = here, here += 2) {
    const [x1, y1, x2, y2] = [coast[here], coast[here + 1], coast[last], coast[last + 1]];
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) odd = !odd;
  }
  return odd;
}
