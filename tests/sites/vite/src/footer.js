export const footer = "Made by hand";
