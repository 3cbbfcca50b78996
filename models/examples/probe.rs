//! probe
use turnstile_models::{*, engine::*, scenario::*};
use turnstile::hub::*;
fn main(){
  let a:Vec<String>=std::env::args().collect();
  let s=Scenario{design:if a[1]=="single"{Design::SingleSelect}else{Design::SplitLoops},users:a[2].parse().unwrap(),logins:a[3].parse().unwrap(),capacity:a[4].parse().unwrap(),..Default::default()};
  let r=exhaustive::explore(&s,Quest::Knots,&Limits{budget:std::time::Duration::from_secs(900),memory:10<<30,..Default::default()},&(),&mut |e|{println!("{e:?}");true});
  println!("{:?}",r.effort);
  match r.end { End::Found(f)=>{println!("{} steps",f.schedule.len());}, e=>println!("{e:?}")}
}
